package dev.powersweep.worker.cell;

import com.fasterxml.jackson.core.JsonParser;
import com.fasterxml.jackson.core.JsonToken;
import com.fasterxml.jackson.databind.util.TokenBuffer;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.charset.StandardCharsets;
import java.security.MessageDigest;
import java.security.NoSuchAlgorithmException;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.Comparator;
import java.util.HexFormat;
import java.util.List;

/**
 * A cell's identity: the first 64 bits of the SHA-256 of its JSON tree, keys sorted, numbers by their bits. Text forms
 * of doubles differ between Java releases, so none is hashed.
 *
 * <p>Every replay of a ledger asks for the identity of each cell, so the tree is hashed from its tokens and never built.
 */
final class CellId {
    private byte[] bytes = new byte[2048];
    private int length;

    private CellId() {}

    /** A property in {@link #bytes}, its name included. */
    private record Property(String name, int from, int to) {}

    static String of(Cell cell) {
        MessageDigest digest;
        try {
            digest = MessageDigest.getInstance("SHA-256");
        } catch (NoSuchAlgorithmException e) {
            throw new IllegalStateException("every JDK has SHA-256", e);
        }
        CellId tree = new CellId();
        try (TokenBuffer tokens = new TokenBuffer(CellJson.mapper(), false)) {
            CellJson.mapper().writeValue(tokens, cell);
            try (JsonParser parser = tokens.asParser()) {
                parser.nextToken();
                tree.absorb(parser);
            }
        } catch (IOException e) {
            throw new UncheckedIOException("cannot write a cell as JSON", e);
        }
        digest.update(tree.bytes, 0, tree.length);
        return HexFormat.of().formatHex(digest.digest(), 0, 8);
    }

    private void absorb(JsonParser parser) throws IOException {
        switch (parser.currentToken()) {
            case START_OBJECT -> object(parser);
            case START_ARRAY -> {
                add('[');
                while (parser.nextToken() != JsonToken.END_ARRAY) {
                    absorb(parser);
                }
                add(']');
            }
            case VALUE_NUMBER_INT -> number('i', parser.getLongValue());
            case VALUE_NUMBER_FLOAT -> number('d', Double.doubleToLongBits(parser.getDoubleValue()));
            case VALUE_NULL -> add('0');
            default -> text(parser.getText());
        }
    }

    private void object(JsonParser parser) throws IOException {
        add('{');
        int begin = length;
        List<Property> properties = new ArrayList<>();
        while (parser.nextToken() != JsonToken.END_OBJECT) {
            int from = length;
            String name = parser.currentName();
            text(name);
            parser.nextToken();
            absorb(parser);
            properties.add(new Property(name, from, length));
        }
        byte[] asWritten = Arrays.copyOfRange(bytes, begin, length);
        length = begin;
        properties.sort(Comparator.comparing(Property::name));
        for (Property property : properties) {
            add(asWritten, property.from() - begin, property.to() - property.from());
        }
        add('}');
    }

    private void text(String value) {
        byte[] encoded = value.getBytes(StandardCharsets.UTF_8);
        number('s', encoded.length);
        add(encoded, 0, encoded.length);
    }

    private void number(char tag, long value) {
        add(tag);
        room(Long.BYTES);
        for (int shift = Long.SIZE - Byte.SIZE; shift >= 0; shift -= Byte.SIZE) {
            bytes[length++] = (byte) (value >>> shift);
        }
    }

    private void add(char ascii) {
        room(1);
        bytes[length++] = (byte) ascii;
    }

    private void add(byte[] source, int from, int count) {
        room(count);
        System.arraycopy(source, from, bytes, length, count);
        length += count;
    }

    private void room(int more) {
        if (length + more > bytes.length) {
            bytes = Arrays.copyOf(bytes, Math.max(2 * bytes.length, length + more));
        }
    }
}
