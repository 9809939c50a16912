package dev.powersweep.orchestrator.simulation;

import dev.powersweep.orchestrator.storage.Storage;
import java.io.ByteArrayInputStream;
import java.io.FileNotFoundException;
import java.io.IOException;
import java.io.InputStream;
import java.nio.file.FileAlreadyExistsException;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.NavigableMap;
import java.util.SplittableRandom;
import java.util.TreeMap;
import org.apache.hadoop.fs.Path;
import org.apache.parquet.io.InputFile;
import org.apache.parquet.io.OutputFile;

/** Files in memory that fail as a seed says: before a change, after it, or in the middle of a file. */
final class MemoryStorage implements Storage {
    /** Failures in a row that the ledger has to live through. */
    private static final int MOST_IN_A_ROW = 3;
    /** Operations that go well after those. */
    private static final int CALM = 8;

    private final NavigableMap<String, byte[]> files = new TreeMap<>();
    /** Of names that were listed; to make one takes long. */
    private final Map<String, Path> paths = new HashMap<>();

    private final SplittableRandom random;
    private final double trouble;
    private int inARow;
    private int calm;

    /** @param trouble probability that an operation fails */
    MemoryStorage(SplittableRandom random, double trouble) {
        this.random = random;
        this.trouble = trouble;
    }

    private enum Mishap {
        NONE,
        BEFORE,
        TORN,
        AFTER
    }

    private Mishap mishap() {
        if (calm > 0 || random.nextDouble() >= (inARow > 0 ? 0.5 : trouble)) {
            calm = inARow > 0 ? CALM : Math.max(0, calm - 1);
            inARow = 0;
            return Mishap.NONE;
        }
        if (++inARow == MOST_IN_A_ROW) {
            inARow = 0;
            calm = CALM;
        }
        return Mishap.values()[1 + random.nextInt(3)];
    }

    private void readable() throws IOException {
        if (mishap() != Mishap.NONE) {
            throw new IOException("connection reset");
        }
    }

    @Override
    public List<Entry> list(Path directory) throws IOException {
        readable();
        String prefix = directory + "/";
        List<Entry> entries = new ArrayList<>();
        files.subMap(prefix, true, prefix + Character.MAX_VALUE, false)
                .forEach((name, content) ->
                        entries.add(new Entry(paths.computeIfAbsent(name, Path::new), content.length, 0, Kind.FILE)));
        return entries;
    }

    @Override
    public boolean exists(Path path) throws IOException {
        readable();
        return files.containsKey(path.toString());
    }

    @Override
    public byte[] read(Path file) throws IOException {
        readable();
        byte[] content = files.get(file.toString());
        if (content == null) {
            throw new FileNotFoundException(file.toString());
        }
        return content;
    }

    @Override
    public InputStream open(Path file) throws IOException {
        return new ByteArrayInputStream(read(file));
    }

    @Override
    public void write(Path file, byte[] content) throws IOException {
        Mishap mishap = mishap();
        if (mishap == Mishap.TORN) {
            files.put(file.toString(), Arrays.copyOf(content, random.nextInt(content.length + 1)));
        } else if (mishap != Mishap.BEFORE) {
            files.put(file.toString(), content);
        }
        failed(mishap);
    }

    private static void failed(Mishap mishap) throws IOException {
        if (mishap != Mishap.NONE) {
            throw new IOException("connection reset by peer");
        }
    }

    @Override
    public void publishNew(Path unfinished, Path file) throws IOException {
        Mishap mishap = mishap();
        if (mishap == Mishap.NONE || mishap == Mishap.AFTER) {
            if (files.containsKey(file.toString())) {
                throw new FileAlreadyExistsException(file.toString());
            }
            files.put(file.toString(), files.remove(unfinished.toString()));
        }
        failed(mishap);
    }

    @Override
    public void publishOver(Path unfinished, Path file) throws IOException {
        files.put(file.toString(), files.remove(unfinished.toString()));
    }

    @Override
    public void delete(Path path) throws IOException {
        Mishap mishap = mishap();
        if (mishap == Mishap.NONE || mishap == Mishap.AFTER) {
            files.remove(path.toString());
        }
        failed(mishap);
    }

    @Override
    public void makeDirectory(Path directory) {}

    @Override
    public void upload(java.nio.file.Path local, Path file) {
        throw new UnsupportedOperationException();
    }

    @Override
    public void download(Path file, java.nio.file.Path local) {
        throw new UnsupportedOperationException();
    }

    @Override
    public InputFile input(Path file) {
        throw new UnsupportedOperationException();
    }

    @Override
    public OutputFile output(Path file) {
        throw new UnsupportedOperationException();
    }
}
