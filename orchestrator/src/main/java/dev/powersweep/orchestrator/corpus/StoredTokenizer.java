package dev.powersweep.orchestrator.corpus;

import dev.powersweep.orchestrator.spec.TokenizerSpec;
import dev.powersweep.orchestrator.storage.SweepDirectory;
import dev.powersweep.orchestrator.storage.UserError;
import dev.powersweep.worker.cell.CellJson;
import dev.powersweep.worker.shard.ShardManifest;
import java.io.ByteArrayOutputStream;
import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.util.Optional;
import org.apache.hadoop.conf.Configuration;
import org.apache.hadoop.fs.Path;

/** The tokenizer of a corpus that is stored in a sweep's directory: text to tokens and back. */
public sealed interface StoredTokenizer {
    /** Letters of a name that a directory gives. */
    int SHOWN = 80;

    int[] encode(String text);

    /** The text of tokens below the vocabulary; bytes that are no UTF-8 become U+FFFD. */
    String decode(int[] tokens);

    /**
     * Finds it by what the corpus's manifest names.
     *
     * @param file a {@code tokenizer.json}, which the directory does not hold; asked for where the corpus was made by one
     * @throws UserError where the corpus cannot be read, its tokens were made elsewhere, or the file is another one
     */
    static StoredTokenizer of(
            SweepDirectory directory, String corpusHash, Optional<String> file, Configuration configuration) {
        Path home = directory.corpus(corpusHash);
        try {
            String name = CellJson.read(
                            text(directory, new Path(home, ShardManifest.FILE_NAME), configuration),
                            ShardManifest.class)
                    .tokenizer();
            if (name.equals(new TokenizerSpec.Bytes().describe())) {
                return new Pairs(new BytePairs(new int[0], new int[0]));
            }
            if (name.startsWith("bpe-")) {
                return new Pairs(
                        BytePairs.fromJson(text(directory, new Path(home, BytePairs.FILE_NAME), configuration)));
            }
            if (name.equals(new TokenizerSpec.Gpt2().describe())) {
                return new Library(new LibraryTokenizer.Gpt2());
            }
            if (name.startsWith(new TokenizerSpec.JsonFile("").describe())) {
                return ofFile(name, file, configuration);
            }
            throw new UserError(
                    "the corpus's tokens were made elsewhere (" + name.substring(0, Math.min(name.length(), SHOWN))
                            + "), and only what made them can read them; --json shows the tokens, --prompt-tokens takes some");
        } catch (IOException | IllegalArgumentException e) {
            throw new UserError("the tokenizer of the corpus " + home + " cannot be read: " + e.getMessage(), e);
        }
    }

    private static StoredTokenizer ofFile(String name, Optional<String> file, Configuration configuration) {
        if (file.isEmpty()) {
            throw new UserError("the corpus was tokenised by a tokenizer.json of yours, which " + "the sweep does not"
                    + " keep; name it with --tokenizer FILE");
        }
        LibraryTokenizer tokenizer =
                LibraryTokenizer.HuggingFace.read(new TokenizerSpec.JsonFile(file.get()), configuration);
        if (!tokenizer.describe().equals(name)) {
            throw new UserError(file.get() + " is " + tokenizer.describe() + ", and the corpus was tokenised by "
                    + name.substring(0, Math.min(name.length(), SHOWN))
                    + "; name that one with --tokenizer");
        }
        return new Library(tokenizer);
    }

    private static String text(SweepDirectory directory, Path path, Configuration configuration) throws IOException {
        return new String(directory.storage(configuration).read(path), StandardCharsets.UTF_8);
    }

    /** Bytes, and pairs of them that were merged, if any. */
    record Pairs(BytePairs pairs) implements StoredTokenizer {
        @Override
        public int[] encode(String text) {
            byte[] bytes = text.getBytes(StandardCharsets.UTF_8);
            byte[] stored = new BlockEncoder.Pairs(pairs).encode(bytes, 0, bytes.length);
            int[] tokens = new int[stored.length / 2];
            for (int i = 0; i < tokens.length; i++) {
                tokens[i] = (stored[2 * i] & 0xFF) | (stored[2 * i + 1] & 0xFF) << Byte.SIZE;
            }
            return tokens;
        }

        @Override
        public String decode(int[] tokens) {
            ByteArrayOutputStream bytes = new ByteArrayOutputStream();
            for (int token : tokens) {
                bytes.writeBytes(pairs.bytes(token));
            }
            return bytes.toString(StandardCharsets.UTF_8);
        }
    }

    /** Of a library. */
    record Library(LibraryTokenizer tokenizer) implements StoredTokenizer {
        @Override
        public int[] encode(String text) {
            return tokenizer.encode(text);
        }

        @Override
        public String decode(int[] tokens) {
            return tokenizer.decode(tokens);
        }
    }
}
