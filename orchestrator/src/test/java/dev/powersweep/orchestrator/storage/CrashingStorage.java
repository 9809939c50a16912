package dev.powersweep.orchestrator.storage;

import java.io.IOException;
import java.io.InputStream;
import java.util.List;
import org.apache.hadoop.fs.Path;
import org.apache.parquet.io.InputFile;
import org.apache.parquet.io.OutputFile;

/** A real storage whose process is killed before its n-th change: from then on every operation throws. */
public final class CrashingStorage implements Storage {
    /** The process is dead. */
    public static final class Killed extends RuntimeException {
        private static final long serialVersionUID = 1L;
    }

    private final Storage real;
    private final long changesAllowed;
    private long changes;

    public CrashingStorage(Storage real, long changesAllowed) {
        this.real = real;
        this.changesAllowed = changesAllowed;
    }

    public boolean killed() {
        return changes > changesAllowed;
    }

    private Storage changing() {
        changes++;
        return living();
    }

    private Storage living() {
        if (killed()) {
            throw new Killed();
        }
        return real;
    }

    @Override
    public List<Entry> list(Path directory) throws IOException {
        return living().list(directory);
    }

    @Override
    public boolean exists(Path path) throws IOException {
        return living().exists(path);
    }

    @Override
    public byte[] read(Path file) throws IOException {
        return living().read(file);
    }

    @Override
    public InputStream open(Path file) throws IOException {
        return living().open(file);
    }

    @Override
    public void write(Path file, byte[] content) throws IOException {
        changing().write(file, content);
    }

    @Override
    public void publishNew(Path unfinished, Path file) throws IOException {
        changing().publishNew(unfinished, file);
    }

    @Override
    public void publishOver(Path unfinished, Path file) throws IOException {
        changing().publishOver(unfinished, file);
    }

    @Override
    public void delete(Path path) throws IOException {
        changing().delete(path);
    }

    @Override
    public void makeDirectory(Path directory) throws IOException {
        living().makeDirectory(directory);
    }

    @Override
    public void upload(java.nio.file.Path local, Path file) throws IOException {
        changing().upload(local, file);
    }

    @Override
    public void download(Path file, java.nio.file.Path local) throws IOException {
        living().download(file, local);
    }

    @Override
    public InputFile input(Path file) throws IOException {
        return living().input(file);
    }

    @Override
    public OutputFile output(Path file) throws IOException {
        return changing().output(file);
    }
}
