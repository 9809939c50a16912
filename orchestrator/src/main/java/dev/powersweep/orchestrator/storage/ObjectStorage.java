package dev.powersweep.orchestrator.storage;

import java.io.IOException;
import java.io.InputStream;
import java.io.OutputStream;
import java.nio.file.FileAlreadyExistsException;
import java.util.List;
import org.apache.hadoop.conf.Configuration;
import org.apache.hadoop.fs.FSDataOutputStream;
import org.apache.hadoop.fs.FSDataOutputStreamBuilder;
import org.apache.hadoop.fs.FileSystem;
import org.apache.hadoop.fs.Options.CreateFileOptionKeys;
import org.apache.hadoop.fs.Path;
import org.apache.parquet.io.InputFile;
import org.apache.parquet.io.OutputFile;

/**
 * S3 by Hadoop's S3A client. An object appears whole when its upload ends, and replaces another in one step, so nothing
 * needs a rename, which S3 does not have; a new name is taken by a PUT with {@code If-None-Match: *}, which the store
 * refuses when the name is held.
 *
 * <p>Assumes a store that honours that header, as Amazon's does since 2024. Does not cover: a conditional PUT whose
 * response is lost. The retry is refused because the first attempt succeeded, so its writer takes the name for held by
 * another; no name is ever taken twice.
 */
final class ObjectStorage implements Storage {
    private final FileSystem files;
    private final HadoopStorage hadoop;

    ObjectStorage(Path path, Configuration configuration) throws IOException {
        this.files = path.getFileSystem(configuration);
        this.hadoop = new HadoopStorage(files, configuration);
        if (!files.hasPathCapability(path, CreateFileOptionKeys.FS_OPTION_CREATE_CONDITIONAL_OVERWRITE)) {
            throw new UserError(
                    "The store of " + path + " takes no conditional PUT, without which two drivers could own"
                            + " one sweep; set spark.hadoop.fs.s3a.create.conditional.enabled to true, or use another store.");
        }
    }

    @Override
    public List<Entry> list(Path directory) throws IOException {
        return hadoop.list(directory);
    }

    @Override
    public boolean exists(Path path) throws IOException {
        return hadoop.exists(path);
    }

    @Override
    public byte[] read(Path file) throws IOException {
        return hadoop.read(file);
    }

    @Override
    public InputStream open(Path file) throws IOException {
        return hadoop.open(file);
    }

    @Override
    public void write(Path file, byte[] content) throws IOException {
        store(files.create(file, true), out -> out.write(content));
    }

    @Override
    public void createNew(Path file, byte[] content) throws IOException {
        takeName(file, out -> out.write(content));
    }

    @Override
    public void replace(Path file, byte[] content) throws IOException {
        write(file, content);
    }

    @Override
    public void publishNew(Path unfinished, Path file) throws IOException {
        takeName(file, out -> copy(unfinished, out));
        files.delete(unfinished, false);
    }

    @Override
    public void publishOver(Path unfinished, Path file) throws IOException {
        store(files.create(file, true), out -> copy(unfinished, out));
        files.delete(unfinished, false);
    }

    @Override
    public void delete(Path path) throws IOException {
        hadoop.delete(path);
    }

    /** Objects need no directories. */
    @Override
    public void makeDirectory(Path directory) {}

    @Override
    public void upload(java.nio.file.Path local, Path file) throws IOException {
        try (InputStream in = java.nio.file.Files.newInputStream(local)) {
            store(files.create(file, true), in::transferTo);
        }
    }

    @Override
    public void download(Path file, java.nio.file.Path local) throws IOException {
        hadoop.download(file, local);
    }

    @Override
    public InputFile input(Path file) throws IOException {
        return hadoop.input(file);
    }

    @Override
    public OutputFile output(Path file) throws IOException {
        return hadoop.output(file);
    }

    private interface Content {
        void writeTo(OutputStream out) throws IOException;
    }

    private void takeName(Path file, Content content) throws IOException {
        FSDataOutputStreamBuilder<?, ?> builder = files.createFile(file).overwrite(true);
        builder.must(CreateFileOptionKeys.FS_OPTION_CREATE_CONDITIONAL_OVERWRITE, true);
        try {
            store(builder.build(), content);
        } catch (IOException e) {
            // S3A reports a refused precondition by several exceptions; all of them mean that the name is held.
            if (!files.exists(file)) {
                throw e;
            }
            FileAlreadyExistsException refused = new FileAlreadyExistsException(file.toString());
            refused.initCause(e);
            throw refused;
        }
    }

    /** Closing a stream publishes what was written to it, so an incomplete one is aborted. */
    private static void store(FSDataOutputStream out, Content content) throws IOException {
        boolean whole = false;
        try {
            content.writeTo(out);
            whole = true;
        } finally {
            if (!whole) {
                out.abort();
            }
        }
        out.close();
    }

    private void copy(Path from, OutputStream out) throws IOException {
        try (InputStream in = files.open(from)) {
            in.transferTo(out);
        }
    }
}
