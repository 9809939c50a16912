package dev.powersweep.worker.data;

import dev.powersweep.worker.shard.ShardManifest;
import dev.powersweep.worker.shard.ShardManifest.TokenFile;
import dev.powersweep.worker.shard.TokenType;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.NoSuchFileException;
import java.nio.file.Path;
import java.nio.file.attribute.FileTime;
import java.util.HashMap;
import java.util.LinkedHashMap;
import java.util.Locale;
import java.util.Map;

/**
 * Opens shards and keeps a list of the files it has verified, so that a trainer of many cells reads each file through once.
 * A file is verified and opened again when its size or its time of change differ; else all shards share it. Safe for use by
 * several threads, one of which at a time opens a shard.
 */
public final class ShardStore {
    private record Version(Path file, TokenType type, long bytes, FileTime modified, long crc32c) {}

    private final Map<Path, Version> verified = new HashMap<>();
    private final Map<Version, StoredTokens> open = new HashMap<>();

    /** Files read through and found sound since the store was made. */
    private int verifications;

    /**
     * Opens the shard in {@code directory}.
     *
     * @throws ShardException when the manifest or a file is missing, truncated, too long, or not what the manifest says
     */
    public synchronized Shard open(Path directory) {
        ShardManifest manifest = manifest(directory);
        StoredTokens train = tokens(directory, manifest, manifest.train());
        Map<String, StoredTokens> evaluation = new LinkedHashMap<>();
        for (TokenFile file : manifest.evaluation()) {
            evaluation.put(file.name(), tokens(directory, manifest, file));
        }
        return new Shard(directory.toString(), manifest, train, evaluation);
    }

    int verifications() {
        return verifications;
    }

    private static ShardManifest manifest(Path directory) {
        Path file = directory.resolve(ShardManifest.FILE_NAME);
        ShardManifest manifest;
        try {
            manifest = ShardManifest.read(directory);
        } catch (NoSuchFileException e) {
            throw ShardException.damaged(
                    "There is no shard manifest " + file + "; give the directory that holds shard.json.", e);
        } catch (IOException e) {
            throw ShardException.damaged("The shard manifest " + file + " cannot be read: " + e.getMessage() + ".", e);
        } catch (IllegalArgumentException e) {
            throw ShardException.damaged(
                    "The shard manifest " + file + " is " + e.getMessage() + "; write the shard again.", e);
        }
        if (manifest.format() != ShardManifest.FORMAT) {
            throw ShardException.unsuitable("The shard manifest " + file + " has format " + manifest.format()
                    + ", this trainer reads format " + ShardManifest.FORMAT
                    + "; write the shard again with this version.");
        }
        if (manifest.vocabulary() < 1 || manifest.vocabulary() > manifest.type().maxVocabulary()) {
            throw ShardException.unsuitable("The shard manifest " + file + " has a vocabulary of "
                    + manifest.vocabulary() + ", but " + manifest.type().name().toLowerCase(Locale.ROOT)
                    + " tokens hold at most " + manifest.type().maxVocabulary() + "; write the shard again.");
        }
        return manifest;
    }

    private StoredTokens tokens(Path directory, ShardManifest manifest, TokenFile expected) {
        Path file = directory.resolve(expected.file());
        try {
            if (!Files.isRegularFile(file) && Files.exists(file)) {
                throw new IOException("it is no regular file");
            }
            long bytes = Files.size(file);
            long expectedBytes =
                    Math.multiplyExact(expected.tokens(), (long) manifest.type().bytes());
            if (bytes < expectedBytes) {
                throw ShardException.damaged("The token file " + file + " is truncated: it holds " + bytes + " of "
                        + expectedBytes + " bytes; copy the shard again.");
            }
            if (bytes > expectedBytes) {
                throw ShardException.damaged("The token file " + file + " holds " + bytes + " bytes where its manifest"
                        + " says " + expectedBytes + "; copy the shard again.");
            }
            Version version = new Version(
                    file.toAbsolutePath().normalize(),
                    manifest.type(),
                    bytes,
                    Files.getLastModifiedTime(file),
                    expected.crc32c());
            Version known = verified.get(version.file());
            if (version.equals(known)) {
                return open.get(version);
            }
            StoredTokens tokens = StoredTokens.open(file, manifest.type());
            verify(file, tokens, manifest, expected);
            open.remove(known);
            verified.put(version.file(), version);
            open.put(version, tokens);
            verifications++;
            return tokens;
        } catch (NoSuchFileException e) {
            throw ShardException.damaged(
                    "The token file " + file + " is missing, though its manifest names it; copy the shard again.", e);
        } catch (IOException e) {
            throw ShardException.damaged("The token file " + file + " cannot be read: " + e.getMessage() + ".", e);
        }
    }

    private static void verify(Path file, StoredTokens tokens, ShardManifest manifest, TokenFile expected) {
        long crc = tokens.crc32c();
        if (crc != expected.crc32c()) {
            throw ShardException.damaged(String.format(
                    Locale.ROOT,
                    "The token file %s is damaged: its CRC-32C is %08x, the manifest says %08x; copy the shard again.",
                    file,
                    crc,
                    expected.crc32c()));
        }
        if (manifest.vocabulary() < manifest.type().maxVocabulary()) {
            long largest = tokens.largest();
            if (largest >= manifest.vocabulary()) {
                throw ShardException.unsuitable("The token file " + file + " holds the token " + largest
                        + ", outside its manifest's vocabulary of " + manifest.vocabulary()
                        + "; tokenise the corpus again with the tokenizer that the manifest names.");
            }
        }
    }
}
