package dev.powersweep.worker.data;

import dev.powersweep.worker.cell.CellJson;
import dev.powersweep.worker.shard.ShardManifest;
import dev.powersweep.worker.shard.ShardManifest.TokenFile;
import dev.powersweep.worker.shard.TokenType;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.Random;
import java.util.function.LongToIntFunction;
import java.util.zip.CRC32C;

/** Writes small, sound shards. */
public final class ShardFixture {
    public static final String CORPUS = "c0ffee";

    private ShardFixture() {}

    /** Text-like bytes that a model can learn: a seeded walk over a few words. */
    public static ShardManifest words(Path directory, long seed, int trainTokens, int validationTokens) {
        String[] words = {"the ", "cat ", "sat ", "on ", "a ", "mat ", "and ", "slept. "};
        return write(
                directory, TokenType.UINT8, 256, text(words, seed, trainTokens), text(words, ~seed, validationTokens));
    }

    static ShardManifest write(Path directory, TokenType type, int vocabulary, int[] train, int[] validation) {
        try {
            Files.createDirectories(directory);
            ShardManifest manifest = new ShardManifest(
                    ShardManifest.FORMAT,
                    CORPUS,
                    "bytes",
                    vocabulary,
                    type,
                    file(directory, "train", type, train),
                    List.of(file(directory, ShardManifest.VALIDATION, type, validation)));
            Files.writeString(directory.resolve(ShardManifest.FILE_NAME), CellJson.line(manifest));
            return manifest;
        } catch (IOException e) {
            throw new java.io.UncheckedIOException(e);
        }
    }

    static int[] tokens(int count, LongToIntFunction token) {
        int[] tokens = new int[count];
        for (int i = 0; i < count; i++) {
            tokens[i] = token.applyAsInt(i);
        }
        return tokens;
    }

    private static TokenFile file(Path directory, String name, TokenType type, int[] tokens) throws IOException {
        ByteBuffer bytes = ByteBuffer.allocate(tokens.length * type.bytes()).order(ByteOrder.LITTLE_ENDIAN);
        for (int token : tokens) {
            switch (type) {
                case UINT8 -> bytes.put((byte) token);
                case UINT16 -> bytes.putShort((short) token);
                case UINT32 -> bytes.putInt(token);
            }
        }
        Files.write(directory.resolve(name + ".bin"), bytes.array());
        CRC32C crc = new CRC32C();
        crc.update(bytes.array());
        // Three bytes of text a token where tokens are wider than a byte.
        long textBytes = type == TokenType.UINT8 ? tokens.length : 3L * tokens.length;
        return new TokenFile(name, name + ".bin", tokens.length, textBytes, crc.getValue());
    }

    private static int[] text(String[] words, long seed, int length) {
        Random random = new Random(seed);
        StringBuilder text = new StringBuilder();
        while (text.length() < length) {
            text.append(words[random.nextInt(words.length)]);
        }
        return text.chars().limit(length).toArray();
    }
}
