package dev.powersweep.orchestrator.cellstore;

import dev.powersweep.orchestrator.storage.Storage;
import java.io.IOException;
import java.io.InputStream;
import java.util.List;
import org.apache.hadoop.fs.Path;
import org.apache.parquet.io.InputFile;
import org.apache.parquet.io.OutputFile;

/** A real storage whose process is stopped (SIGSTOP) before its n-th operation while others work, then goes on. */
final class PausingStorage implements Storage {
    /** What happens in the pause. */
    interface Meanwhile {
        void run() throws IOException;
    }

    private final Storage real;
    private final int pauseBefore;
    private final Meanwhile meanwhile;
    private int operations;

    PausingStorage(Storage real, int pauseBefore, Meanwhile meanwhile) {
        this.real = real;
        this.pauseBefore = pauseBefore;
        this.meanwhile = meanwhile;
    }

    private Storage next() throws IOException {
        if (operations++ == pauseBefore) {
            meanwhile.run();
        }
        return real;
    }

    @Override
    public List<Entry> list(Path directory) throws IOException {
        return next().list(directory);
    }

    @Override
    public boolean exists(Path path) throws IOException {
        return next().exists(path);
    }

    @Override
    public byte[] read(Path file) throws IOException {
        return next().read(file);
    }

    @Override
    public InputStream open(Path file) throws IOException {
        return next().open(file);
    }

    @Override
    public void write(Path file, byte[] content) throws IOException {
        next().write(file, content);
    }

    @Override
    public void publishNew(Path unfinished, Path file) throws IOException {
        next().publishNew(unfinished, file);
    }

    @Override
    public void publishOver(Path unfinished, Path file) throws IOException {
        next().publishOver(unfinished, file);
    }

    @Override
    public void delete(Path path) throws IOException {
        next().delete(path);
    }

    @Override
    public void makeDirectory(Path directory) throws IOException {
        next().makeDirectory(directory);
    }

    @Override
    public void upload(java.nio.file.Path local, Path file) throws IOException {
        next().upload(local, file);
    }

    @Override
    public void download(Path file, java.nio.file.Path local) throws IOException {
        next().download(file, local);
    }

    @Override
    public InputFile input(Path file) throws IOException {
        return next().input(file);
    }

    @Override
    public OutputFile output(Path file) throws IOException {
        return next().output(file);
    }
}
