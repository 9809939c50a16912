package dev.powersweep.orchestrator.ledger;

import dev.powersweep.orchestrator.storage.Storage;
import java.io.ByteArrayOutputStream;
import java.io.IOException;
import java.nio.file.FileAlreadyExistsException;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Optional;
import java.util.OptionalInt;
import java.util.stream.IntStream;
import org.apache.hadoop.fs.Path;

/**
 * Writes the segments of one epoch, one after the other, from one thread.
 *
 * <p>A write that reports an error may have come through all the same: it is neither stored nor failed but unknown, and
 * is resolved by reading back. What could not be resolved is resolved before anything is written after it, so that the
 * order of segments is that of the calls.
 */
final class SegmentWriter {
    /** Segments of one size that are merged into one of the next size. */
    private static final int MERGE = 32;

    private static final int TRIES = 5;
    private static final long FIRST_PAUSE_MILLIS = 200;

    /** Waits between tries. */
    interface Pause {
        void millis(long time) throws InterruptedException;
    }

    /** What became of a write. */
    sealed interface Result {
        record Stored() implements Result {}

        /** Not stored by this call; may be, by a later one that stores what comes after it. */
        record Unknown(IOException reason) implements Result {}

        /** Does not count, and nothing that comes after it will. */
        record Failed(IOException reason) implements Result {}
    }

    /** A segment that is waiting to be written. */
    private record Pending(Segment segment, byte[] content) {}

    private final Storage storage;
    private final Path directory;
    private final long epoch;
    private final Path successor;
    private final Pause pause;
    private final List<Segment> segments = new ArrayList<>();
    private Optional<Pending> unresolved = Optional.empty();
    private Optional<IOException> broken = Optional.empty();
    private long writes;

    SegmentWriter(Storage storage, Path directory, long epoch, Pause pause) {
        this.storage = storage;
        this.directory = directory;
        this.epoch = epoch;
        successor = Lease.successor(directory, epoch);
        this.pause = pause;
    }

    /** Stores one more segment. */
    Result write(byte[] content) throws InterruptedException {
        if (broken.isPresent()) {
            return new Result.Failed(broken.get());
        }
        if (unresolved.isPresent()) {
            Result before = settle(unresolved.get(), Certainty.MAY_BE_STORED);
            if (!(before instanceof Result.Stored)) {
                return before;
            }
        }
        return settle(new Pending(Segment.in(directory, epoch, writes + 1, writes + 1), content), Certainty.NOT_STORED);
    }

    private enum Certainty {
        NOT_STORED,
        MAY_BE_STORED,
        STORED
    }

    private Result settle(Pending pending, Certainty known) throws InterruptedException {
        Certainty certainty = known;
        for (int i = 1; ; i++) {
            try {
                if (certainty == Certainty.MAY_BE_STORED) {
                    certainty = readBack(pending);
                }
                if (certainty == Certainty.NOT_STORED) {
                    certainty = Certainty.MAY_BE_STORED;
                    create(pending);
                    certainty = Certainty.STORED;
                }
                // Seen after the segment stands: a driver that takes over later finds it in its listing.
                if (storage.exists(successor)) {
                    return failed(new Ledger.FencedException(directory));
                }
                unresolved = Optional.empty();
                writes++;
                segments.add(pending.segment());
                return new Result.Stored();
            } catch (FileAlreadyExistsException e) {
                return failed(e);
            } catch (IOException e) {
                if (i == TRIES) {
                    unresolved = Optional.of(pending);
                    return new Result.Unknown(e);
                }
                pause.millis(FIRST_PAUSE_MILLIS << i);
            }
        }
    }

    private Result failed(IOException reason) {
        broken = Optional.of(reason);
        return new Result.Failed(reason);
    }

    private void create(Pending pending) throws IOException {
        try {
            storage.createNew(pending.segment().path(), pending.content());
        } catch (FileAlreadyExistsException e) {
            // Ours if an earlier call succeeded although it reported an error.
            if (readBack(pending) != Certainty.STORED) {
                throw e;
            }
        }
    }

    /** @throws FileAlreadyExistsException where the name holds something else */
    private Certainty readBack(Pending pending) throws IOException {
        Path file = pending.segment().path();
        if (!storage.exists(file)) {
            return Certainty.NOT_STORED;
        }
        if (!Arrays.equals(storage.read(file), pending.content())) {
            throw new FileAlreadyExistsException(file + " holds what another process has written");
        }
        return Certainty.STORED;
    }

    /**
     * Merges runs of segments of one size, so that a sweep of n writes leaves O(log n) files and each event is
     * rewritten O(log n) times. Only writes that are known to count are merged, so no fence falls inside a segment. Runs
     * begin at multiples of their length: a merge that reported an error although it succeeded is made again,
     * and never one that overlaps it.
     */
    void compact() throws IOException {
        for (OptionalInt run = run(); run.isPresent(); run = run()) {
            List<Segment> merging = segments.subList(run.getAsInt(), run.getAsInt() + MERGE);
            List<Segment> old = List.copyOf(merging);
            ByteArrayOutputStream merged = new ByteArrayOutputStream();
            for (Segment segment : old) {
                merged.writeBytes(storage.read(segment.path()));
            }
            Segment whole = Segment.in(
                    directory, epoch, old.get(0).first(), old.get(MERGE - 1).last());
            create(new Pending(whole, merged.toByteArray()));
            merging.clear();
            segments.add(run.getAsInt(), whole);
            for (Segment segment : old) {
                storage.delete(segment.path());
            }
        }
    }

    /** Where segments begin that can be merged; empty when there are none. */
    private OptionalInt run() {
        return IntStream.rangeClosed(0, segments.size() - MERGE)
                .filter(first -> {
                    long size = segments.get(first).writes();
                    return (segments.get(first).first() - 1) % (MERGE * size) == 0
                            && segments.get(first + MERGE - 1).last()
                                    == segments.get(first).first() + MERGE * size - 1
                            && segments.subList(first, first + MERGE).stream().allMatch(each -> each.writes() == size);
                })
                .findFirst();
    }
}
