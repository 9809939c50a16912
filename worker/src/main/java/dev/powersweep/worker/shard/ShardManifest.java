package dev.powersweep.worker.shard;

import dev.powersweep.worker.cell.CellJson;
import dev.powersweep.worker.cell.StoredName;
import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.attribute.BasicFileAttributes;
import java.util.List;

/**
 * {@code shard.json}: what the token files beside it hold.
 *
 * @param format 1
 * @param corpusHash identity of text, split and tokenizer together; a cell names the one it needs
 * @param tokenizer name of the tokenizer with its parameters, as in the spec
 * @param vocabulary token kinds; every stored token is below it
 * @param type how a token is stored
 * @param train the training tokens
 * @param evaluation held-out sets, the in-domain one ({@value #VALIDATION}) first
 */
public record ShardManifest(
        int format,
        String corpusHash,
        String tokenizer,
        int vocabulary,
        TokenType type,
        TokenFile train,
        List<TokenFile> evaluation) {

    public static final int FORMAT = 1;
    public static final String FILE_NAME = "shard.json";
    /** Name of the held-out set that every corpus has. */
    public static final String VALIDATION = "validation";

    /** Some names and numbers. */
    private static final long MOST_BYTES = 16L << 20;

    /**
     * Reads a manifest from a local directory, where others may write.
     *
     * @throws IOException for anything but a regular file of at most 16 MiB
     * @throws IllegalArgumentException with the reason when it is no manifest
     */
    public static ShardManifest read(Path directory) throws IOException {
        Path file = directory.resolve(FILE_NAME);
        BasicFileAttributes found = Files.readAttributes(file, BasicFileAttributes.class);
        if (!found.isRegularFile() || found.size() > MOST_BYTES) {
            throw new IOException("it is no regular file of at most " + (MOST_BYTES >> 20) + " MiB");
        }
        return CellJson.read(Files.readString(file, StandardCharsets.UTF_8), ShardManifest.class);
    }

    /**
     * One file of raw tokens.
     *
     * @param name of the set: {@code train}, {@value #VALIDATION} or a user's
     * @param file name in the manifest's directory
     * @param tokens stored
     * @param textBytes UTF-8 bytes of the text they encode, for bits per byte
     * @param crc32c of the whole file
     */
    public record TokenFile(String name, String file, long tokens, long textBytes, long crc32c) {
        public TokenFile {
            StoredName.file(file);
            StoredName.count("tokens", tokens);
            StoredName.count("textBytes", textBytes);
        }
    }

    public ShardManifest {
        StoredName.corpus(corpusHash);
        evaluation = List.copyOf(evaluation);
    }
}
