package dev.powersweep.worker.cell;

import com.fasterxml.jackson.databind.JsonNode;
import java.nio.ByteBuffer;
import java.nio.charset.StandardCharsets;
import java.security.MessageDigest;
import java.security.NoSuchAlgorithmException;
import java.util.HexFormat;
import java.util.TreeSet;

/**
 * A cell's identity: the first 64 bits of the SHA-256 of its JSON tree, keys sorted, numbers by their bits. Text forms
 * of doubles differ between Java releases, so none is hashed.
 */
final class CellId {
    private CellId() {}

    static String of(Cell cell) {
        MessageDigest digest;
        try {
            digest = MessageDigest.getInstance("SHA-256");
        } catch (NoSuchAlgorithmException e) {
            throw new IllegalStateException("every JDK has SHA-256", e);
        }
        absorb(CellJson.mapper().valueToTree(cell), digest);
        return HexFormat.of().formatHex(digest.digest(), 0, 8);
    }

    private static void absorb(JsonNode node, MessageDigest digest) {
        if (node.isObject()) {
            TreeSet<String> names = new TreeSet<>();
            node.fieldNames().forEachRemaining(names::add);
            digest.update((byte) '{');
            for (String name : names) {
                text(name, digest);
                absorb(node.get(name), digest);
            }
            digest.update((byte) '}');
        } else if (node.isArray()) {
            digest.update((byte) '[');
            node.forEach(item -> absorb(item, digest));
            digest.update((byte) ']');
        } else if (node.isIntegralNumber()) {
            number((byte) 'i', node.longValue(), digest);
        } else if (node.isNumber()) {
            number((byte) 'd', Double.doubleToLongBits(node.doubleValue()), digest);
        } else if (node.isNull()) {
            digest.update((byte) '0');
        } else {
            text(node.asText(), digest);
        }
    }

    private static void text(String value, MessageDigest digest) {
        byte[] bytes = value.getBytes(StandardCharsets.UTF_8);
        number((byte) 's', bytes.length, digest);
        digest.update(bytes);
    }

    private static void number(byte tag, long value, MessageDigest digest) {
        digest.update(tag);
        digest.update(ByteBuffer.allocate(Long.BYTES).putLong(value).array());
    }
}
