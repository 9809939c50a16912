package dev.powersweep.orchestrator.storage;

import java.io.FileNotFoundException;
import java.io.IOException;
import java.io.InputStream;
import java.nio.file.FileAlreadyExistsException;
import java.util.ArrayList;
import java.util.List;
import org.apache.hadoop.conf.Configuration;
import org.apache.hadoop.fs.FSDataInputStream;
import org.apache.hadoop.fs.FileContext;
import org.apache.hadoop.fs.FileStatus;
import org.apache.hadoop.fs.FileSystem;
import org.apache.hadoop.fs.Options;
import org.apache.hadoop.fs.Path;
import org.apache.parquet.hadoop.util.HadoopInputFile;
import org.apache.parquet.hadoop.util.HadoopOutputFile;
import org.apache.parquet.io.InputFile;
import org.apache.parquet.io.OutputFile;

/** HDFS and whatever else Hadoop reaches; renames go through {@link FileContext}, whose contract is the strict one. */
final class HadoopStorage implements Storage {
    private final FileSystem files;
    private final FileContext context;
    private final Configuration configuration;

    HadoopStorage(FileSystem files, Configuration configuration) throws IOException {
        this.files = files;
        this.configuration = configuration;
        this.context = FileContext.getFileContext(files.getUri(), configuration);
    }

    @Override
    public List<Entry> list(Path directory) throws IOException {
        List<Entry> entries = new ArrayList<>();
        try {
            for (FileStatus status : files.listStatus(directory)) {
                entries.add(new Entry(
                        status.getPath(),
                        status.getLen(),
                        status.getModificationTime(),
                        status.isDirectory() ? Kind.DIRECTORY : Kind.FILE));
            }
        } catch (FileNotFoundException e) {
            return List.of();
        }
        return entries;
    }

    @Override
    public boolean exists(Path path) throws IOException {
        return files.exists(path);
    }

    @Override
    public byte[] read(Path file) throws IOException {
        try (FSDataInputStream in = files.open(file)) {
            return BoundedRead.all(in, file);
        }
    }

    @Override
    public InputStream open(Path file) throws IOException {
        return files.open(file);
    }

    @Override
    public void write(Path file, byte[] content) throws IOException {
        Writing.closing(files.create(file, true), out -> {
            out.write(content);
            out.hsync();
        });
    }

    @Override
    public void publishNew(Path unfinished, Path file) throws IOException {
        try {
            context.rename(unfinished, file, Options.Rename.NONE);
        } catch (org.apache.hadoop.fs.FileAlreadyExistsException e) {
            FileAlreadyExistsException refused = new FileAlreadyExistsException(file.toString());
            refused.initCause(e);
            throw refused;
        }
    }

    @Override
    public void publishOver(Path unfinished, Path file) throws IOException {
        context.rename(unfinished, file, Options.Rename.OVERWRITE);
    }

    @Override
    public void delete(Path path) throws IOException {
        files.delete(path, true);
    }

    @Override
    public void makeDirectory(Path directory) throws IOException {
        files.mkdirs(directory);
    }

    @Override
    public void upload(java.nio.file.Path local, Path file) throws IOException {
        // Opened here, so that a missing local file is distinguished from a missing remote one.
        try (InputStream in = java.nio.file.Files.newInputStream(local)) {
            Writing.closing(files.create(file, true), out -> {
                in.transferTo(out);
                out.hsync();
            });
        }
    }

    @Override
    public void download(Path file, java.nio.file.Path local) throws IOException {
        java.nio.file.Files.createDirectories(local.toAbsolutePath().getParent());
        Room.require(file, files.getFileStatus(file).getLen(), local);
        try (FSDataInputStream in = files.open(file)) {
            java.nio.file.Files.copy(in, local, java.nio.file.StandardCopyOption.REPLACE_EXISTING);
        }
    }

    @Override
    public InputFile input(Path file) throws IOException {
        return HadoopInputFile.fromPath(file, configuration);
    }

    @Override
    public OutputFile output(Path file) throws IOException {
        return HadoopOutputFile.fromPath(file, configuration);
    }
}
