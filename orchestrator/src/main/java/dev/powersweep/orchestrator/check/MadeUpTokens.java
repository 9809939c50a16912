package dev.powersweep.orchestrator.check;

import dev.powersweep.orchestrator.storage.Digests;
import dev.powersweep.worker.cell.CellJson;
import dev.powersweep.worker.shard.ShardManifest;
import dev.powersweep.worker.shard.TokenType;
import java.io.BufferedOutputStream;
import java.io.IOException;
import java.io.OutputStream;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Random;

/**
 * A shard of tokens from a random chain, in place of a corpus that need not be read to see whether a program keeps its
 * contract. Most tokens follow from the one before, so that a model has something to learn and its loss falls.
 */
final class MadeUpTokens {
    private static final double SHARE_THAT_FOLLOWS = 0.75;
    private static final long SEED = 17;

    private final int vocabulary;
    private final TokenType type;
    private final Random random = new Random(SEED);

    private MadeUpTokens(int vocabulary) {
        this.vocabulary = vocabulary;
        this.type = TokenType.forVocabulary(vocabulary);
    }

    /**
     * Writes the shard.
     *
     * @param folder that it is written to
     * @param hash that it is known by
     * @param sets names of held-out sets
     * @param train training tokens
     * @param heldOut tokens of each set
     */
    static void write(Path folder, String hash, int vocabulary, List<String> sets, long train, long heldOut)
            throws IOException {
        MadeUpTokens tokens = new MadeUpTokens(vocabulary);
        Files.createDirectories(folder);
        ShardManifest.TokenFile training = tokens.file(folder, "train", train);
        List<ShardManifest.TokenFile> evaluation = new ArrayList<>();
        for (String set : sets) {
            evaluation.add(tokens.file(folder, set, heldOut));
        }
        ShardManifest manifest =
                new ShardManifest(ShardManifest.FORMAT, hash, "made-up", vocabulary, tokens.type, training, evaluation);
        Files.writeString(folder.resolve(ShardManifest.FILE_NAME), CellJson.line(manifest), StandardCharsets.UTF_8);
    }

    private ShardManifest.TokenFile file(Path folder, String name, long count) throws IOException {
        Path file = folder.resolve(name + ".bin");
        try (OutputStream out = new BufferedOutputStream(Files.newOutputStream(file), 1 << 16)) {
            int token = 0;
            for (long i = 0; i < count; i++) {
                token = random.nextDouble() < SHARE_THAT_FOLLOWS
                        ? (int) ((31L * token + 7) % vocabulary)
                        : random.nextInt(vocabulary);
                for (int shift = 0; shift < 8 * type.bytes(); shift += 8) {
                    out.write(token >>> shift);
                }
            }
        }
        return new ShardManifest.TokenFile(name, file.getFileName().toString(), count, count, Digests.crc32c(file));
    }
}
