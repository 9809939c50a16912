package dev.powersweep.worker.checkpoint;

import dev.powersweep.worker.model.ParameterLayout;
import java.nio.charset.StandardCharsets;
import java.security.MessageDigest;
import java.security.NoSuchAlgorithmException;
import java.util.HexFormat;

/** Identity of a parameter layout: names, shapes and places of all tensors. */
public final class LayoutHash {
    private LayoutHash() {}

    /** Sixteen hexadecimal digits. */
    public static String of(ParameterLayout layout) {
        StringBuilder text = new StringBuilder().append(layout.length());
        for (ParameterLayout.Tensor tensor : layout.tensors()) {
            text.append('\n')
                    .append(tensor.name())
                    .append(' ')
                    .append(tensor.rows())
                    .append(' ')
                    .append(tensor.columns())
                    .append(' ')
                    .append(tensor.offset());
        }
        try {
            byte[] digest =
                    MessageDigest.getInstance("SHA-256").digest(text.toString().getBytes(StandardCharsets.UTF_8));
            return HexFormat.of().formatHex(digest, 0, 8);
        } catch (NoSuchAlgorithmException e) {
            throw new IllegalStateException("every JDK has SHA-256", e);
        }
    }
}
