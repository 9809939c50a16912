package dev.powersweep.orchestrator.storage;

import dev.powersweep.worker.cell.StoredName;
import java.io.IOException;
import java.io.InputStream;
import java.nio.file.FileAlreadyExistsException;
import java.util.List;
import java.util.UUID;
import org.apache.hadoop.conf.Configuration;
import org.apache.hadoop.fs.Path;
import org.apache.parquet.io.InputFile;
import org.apache.parquet.io.OutputFile;

/**
 * The few operations that a sweep's directory is kept consistent with.
 *
 * <p>Guarantees: a reader sees a published file whole or not at all, and of several writers that publish one new name
 * exactly one succeeds. Assumes a file system with atomic rename (local, HDFS) or a store with conditional PUT (S3).
 * Paths are fully qualified.
 */
public interface Storage {
    /** Largest file that is read as a whole. */
    long MOST_BYTES = 256L << 20;

    /** The storage that a user's own {@code path} lives on; links are followed. */
    static Storage of(Path path, Configuration configuration) throws IOException {
        return of(path, configuration, LocalTree.everywhere());
    }

    /**
     * The storage of a sweep's directory, where others may write.
     *
     * <p>Guarantees: on a local file system no operation on what is below {@code root} follows a symbolic link, so that
     * none reads, writes or deletes elsewhere; such an operation throws {@link IOException} naming the link.
     */
    static Storage below(Path root, Configuration configuration) throws IOException {
        return of(
                root,
                configuration,
                LocalTree.below(java.nio.file.Path.of(root.toUri().getPath())));
    }

    private static Storage of(Path path, Configuration configuration, LocalTree tree) throws IOException {
        String scheme = path.toUri().getScheme();
        if (scheme == null || scheme.equals("file")) {
            return new LocalStorage(tree);
        }
        return scheme.equals("s3a")
                ? new ObjectStorage(path, configuration)
                : new HadoopStorage(path.getFileSystem(configuration), configuration);
    }

    /**
     * A stored file or directory.
     *
     * @param modifiedMillis by the storage's clock, since the epoch
     */
    record Entry(Path path, long bytes, long modifiedMillis, Kind kind) {
        public String name() {
            return path.getName();
        }
    }

    enum Kind {
        FILE,
        DIRECTORY
    }

    /** Everything directly below {@code directory}, names of unfinished files included; empty when it does not exist. */
    List<Entry> list(Path directory) throws IOException;

    boolean exists(Path path) throws IOException;

    /**
     * @throws IOException for anything but a regular file of at most {@link #MOST_BYTES} bytes: a pipe would never end,
     *     and no file of a sweep that is read as a whole is larger
     */
    byte[] read(Path file) throws IOException;

    /** @throws IOException for anything but a regular file */
    InputStream open(Path file) throws IOException;

    /** Writes a file that no reader looks at yet, durably, replacing what is there; makes its directory. */
    void write(Path file, byte[] content) throws IOException;

    /** Renames a finished file to a free name; throws {@link FileAlreadyExistsException} if the name is taken. */
    void publishNew(Path unfinished, Path file) throws IOException;

    /** Renames a finished file, replacing the file of that name if there is one. */
    void publishOver(Path unfinished, Path file) throws IOException;

    /** Deletes a file, or a directory with all it holds; no error when it does not exist. */
    void delete(Path path) throws IOException;

    void makeDirectory(Path directory) throws IOException;

    /** Copies a local file up, durably; throws {@link java.nio.file.NoSuchFileException} when there is no such file. */
    void upload(java.nio.file.Path local, Path file) throws IOException;

    /** Copies a file here; throws {@link IOException} where there is no room for it. */
    void download(Path file, java.nio.file.Path local) throws IOException;

    InputFile input(Path file) throws IOException;

    OutputFile output(Path file) throws IOException;

    /**
     * What a directory holds under a name. To be used for every name that a record of the directory gives.
     *
     * @throws IllegalArgumentException for a name that could lead elsewhere, see {@link StoredName#file}
     */
    static Path child(Path directory, String name) {
        return new Path(directory, StoredName.file(name));
    }

    /** Whether readers skip this name. */
    static boolean unfinished(String name) {
        return name.startsWith("_") || name.startsWith(".");
    }

    /** A name beside {@code file} that readers skip and no other writer uses. */
    static Path unfinished(Path file) {
        return new Path(file.getParent(), "_" + file.getName() + "." + UUID.randomUUID());
    }

    /** Creates {@code file} with this content; throws {@link FileAlreadyExistsException} if it exists already. */
    default void createNew(Path file, byte[] content) throws IOException {
        Path unfinished = unfinished(file);
        write(unfinished, content);
        try {
            publishNew(unfinished, file);
        } catch (FileAlreadyExistsException e) {
            delete(unfinished);
            throw e;
        }
    }

    /** Creates or replaces {@code file} in one step. */
    default void replace(Path file, byte[] content) throws IOException {
        Path unfinished = unfinished(file);
        write(unfinished, content);
        publishOver(unfinished, file);
    }
}
