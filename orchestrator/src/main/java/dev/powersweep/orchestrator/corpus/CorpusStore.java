package dev.powersweep.orchestrator.corpus;

import dev.powersweep.orchestrator.storage.Storage;
import dev.powersweep.orchestrator.storage.SweepDirectory;
import dev.powersweep.orchestrator.storage.UserError;
import dev.powersweep.worker.cell.CellJson;
import dev.powersweep.worker.shard.ShardManifest;
import java.io.FileNotFoundException;
import java.io.IOException;
import java.io.InputStream;
import java.nio.charset.StandardCharsets;
import java.nio.file.NoSuchFileException;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import java.util.UUID;
import java.util.zip.CRC32C;
import org.apache.hadoop.conf.Configuration;
import org.apache.hadoop.fs.FSDataOutputStream;
import org.apache.hadoop.fs.FSError;
import org.apache.hadoop.fs.FileAlreadyExistsException;
import org.apache.hadoop.fs.FileContext;
import org.apache.hadoop.fs.FileStatus;
import org.apache.hadoop.fs.FileSystem;
import org.apache.hadoop.fs.Options;
import org.apache.hadoop.fs.Path;
import org.apache.logging.log4j.LogManager;
import org.apache.logging.log4j.Logger;

/**
 * Tokenised corpora in a sweep's directory. A corpus is written under a name that begins with {@code _} and renamed when
 * it is whole, so a reader sees all of it or nothing; of two writers the second finds the first one's.
 */
final class CorpusStore {
    private static final Logger LOG = LogManager.getLogger(CorpusStore.class);
    private static final int BUFFER_BYTES = 1 << 20;

    private final SweepDirectory directory;
    private final Configuration configuration;
    private final FileSystem fileSystem;

    CorpusStore(SweepDirectory directory, Configuration configuration) {
        this.directory = directory;
        this.configuration = configuration;
        try {
            this.fileSystem = directory.root().getFileSystem(configuration);
        } catch (IOException e) {
            throw new UserError("the sweep directory " + directory.root() + " cannot be reached: " + e.getMessage(), e);
        }
    }

    /** The corpus with this hash where it is stored whole: every file of its length and checksum. */
    Optional<PreparedCorpus> find(String corpusHash) {
        Path home = directory.corpus(corpusHash);
        try {
            ShardManifest manifest = CellJson.read(text(new Path(home, ShardManifest.FILE_NAME)), ShardManifest.class);
            List<ShardManifest.TokenFile> files = new ArrayList<>(List.of(manifest.train()));
            files.addAll(manifest.evaluation());
            for (ShardManifest.TokenFile file : files) {
                check(Storage.child(home, file.file()), file, manifest);
            }
            if (manifest.format() != ShardManifest.FORMAT
                    || !manifest.corpusHash().equals(corpusHash)) {
                throw new IOException("its manifest is of another corpus or format");
            }
            return Optional.of(new PreparedCorpus(manifest, home));
        } catch (FileNotFoundException | NoSuchFileException e) {
            LOG.debug("no corpus {} in {}", corpusHash, directory.root());
        } catch (IOException | IllegalArgumentException e) {
            LOG.warn("the stored corpus {} is damaged and will be prepared again: {}", home, e.getMessage());
        }
        return Optional.empty();
    }

    private void check(Path path, ShardManifest.TokenFile file, ShardManifest manifest) throws IOException {
        FileStatus status = fileSystem.getFileStatus(path);
        long expected = file.tokens() * manifest.type().bytes();
        if (status.getLen() != expected) {
            throw new IOException(path.getName() + " has " + status.getLen() + " bytes in place of " + expected);
        }
        CRC32C checksum = new CRC32C();
        byte[] buffer = new byte[BUFFER_BYTES];
        try (InputStream stream = directory.storage(configuration).open(path)) {
            for (int read = stream.read(buffer); read >= 0; read = stream.read(buffer)) {
                checksum.update(buffer, 0, read);
            }
        }
        if (checksum.getValue() != file.crc32c()) {
            throw new IOException("the checksum of " + path.getName() + " is not the manifest's");
        }
    }

    private String text(Path path) throws IOException {
        return new String(directory.storage(configuration).read(path), StandardCharsets.UTF_8);
    }

    /** A fresh place that no reader looks at. */
    Path temporary(String corpusHash) {
        Path home = directory.corpus(corpusHash);
        Path temporary = new Path(home.getParent(), "_" + corpusHash + "-" + UUID.randomUUID());
        try {
            fileSystem.mkdirs(temporary);
        } catch (IOException e) {
            throw new UserError(
                    "the sweep directory " + directory.root() + " cannot be written: " + e.getMessage()
                            + "; choose another one with --output",
                    e);
        }
        return temporary;
    }

    /** One set of tokens from its parts, in their order; the parts are deleted. */
    ShardManifest.TokenFile concatenate(Path temporary, String name, List<TokenPart> parts) {
        Path target = new Path(temporary, name + ".bin");
        CRC32C checksum = new CRC32C();
        byte[] buffer = new byte[BUFFER_BYTES];
        long tokens = 0;
        long textBytes = 0;
        try (FSDataOutputStream out = fileSystem.create(target, true)) {
            for (TokenPart part : parts) {
                Path path = new Path(temporary, part.file());
                try (InputStream in = fileSystem.open(path)) {
                    for (int read = in.read(buffer); read >= 0; read = in.read(buffer)) {
                        checksum.update(buffer, 0, read);
                        out.write(buffer, 0, read);
                    }
                }
                tokens += part.tokens();
                textBytes += part.textBytes();
            }
        } catch (FileNotFoundException e) {
            throw new UserError(
                    "the corpus cannot be stored in " + directory.root()
                            + ": what the tasks wrote there is not seen by the" + " driver (" + e.getMessage()
                            + "); choose an --output that all hosts of the cluster share",
                    e);
        } catch (IOException | FSError e) {
            throw new UserError(notStored(temporary, e), e);
        }
        return new ShardManifest.TokenFile(name, target.getName(), tokens, textBytes, checksum.getValue());
    }

    /** Stores the manifest last and gives the corpus its name. */
    PreparedCorpus commit(Path temporary, ShardManifest manifest) {
        Path home = directory.corpus(manifest.corpusHash());
        try {
            for (FileStatus part :
                    fileSystem.listStatus(temporary, path -> path.getName().startsWith("part-"))) {
                fileSystem.delete(part.getPath(), false);
            }
            write(new Path(temporary, ShardManifest.FILE_NAME), CellJson.line(manifest) + "\n");
            if (fileSystem.exists(home)) {
                if (find(manifest.corpusHash()).isPresent()) {
                    fileSystem.delete(temporary, true);
                    return new PreparedCorpus(manifest, home);
                }
                Path damaged = new Path(home.getParent(), "_damaged-" + temporary.getName());
                rename(home, damaged);
            }
            rename(temporary, home);
        } catch (FileAlreadyExistsException e) {
            return find(manifest.corpusHash())
                    .orElseThrow(() -> new UserError(home + " is in the way of the tokenised corpus; move it", e));
        } catch (IOException | FSError e) {
            throw new UserError(notStored(home, e), e);
        }
        return new PreparedCorpus(manifest, home);
    }

    /** Hadoop's local file system tells of a full disk by an {@link FSError}. */
    static String notStored(Path place, Throwable failure) {
        return "the corpus cannot be stored in " + place + ": " + CorpusJob.rootMessage(failure)
                + "; make room there, or choose another --output";
    }

    void write(Path path, String text) throws IOException {
        try (FSDataOutputStream out = fileSystem.create(path, true)) {
            out.write(text.getBytes(StandardCharsets.UTF_8));
        }
    }

    void discard(Path temporary) {
        try {
            fileSystem.delete(temporary, true);
        } catch (IOException e) {
            LOG.warn("cannot delete {}: {}", temporary, e.getMessage());
        }
    }

    /** Fails where the target exists, unlike the file system's own rename, which would move into it. */
    private void rename(Path from, Path to) throws IOException {
        FileContext.getFileContext(fileSystem.getUri(), configuration).rename(from, to, Options.Rename.NONE);
    }
}
