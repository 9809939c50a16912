package dev.powersweep.worker.checkpoint;

import dev.powersweep.worker.model.AlignedLayout;
import dev.powersweep.worker.model.ParameterLayout;
import dev.powersweep.worker.model.ParameterLayout.Tensor;
import java.nio.charset.StandardCharsets;
import java.security.MessageDigest;
import java.security.NoSuchAlgorithmException;
import java.util.HexFormat;
import java.util.function.ToLongFunction;

/** Identity of a parameter layout: names, shapes and places of all tensors. */
public final class LayoutHash {
    private LayoutHash() {}

    /** Sixteen hexadecimal digits. */
    public static String of(ParameterLayout layout) {
        return hash(layout, layout.length(), Tensor::offset);
    }

    /** Of the same tensors in another arrangement. */
    static String of(ParameterLayout layout, AlignedLayout arrangement) {
        return hash(layout, arrangement.length(), arrangement::offset);
    }

    private static String hash(ParameterLayout layout, long length, ToLongFunction<Tensor> offset) {
        StringBuilder text = new StringBuilder().append(length);
        for (Tensor tensor : layout.tensors()) {
            text.append('\n')
                    .append(tensor.name())
                    .append(' ')
                    .append(tensor.rows())
                    .append(' ')
                    .append(tensor.columns())
                    .append(' ')
                    .append(offset.applyAsLong(tensor));
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
