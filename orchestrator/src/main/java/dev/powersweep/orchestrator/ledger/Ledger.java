package dev.powersweep.orchestrator.ledger;

import dev.powersweep.orchestrator.dispatch.LedgerEvent;
import dev.powersweep.orchestrator.dispatch.SweepState;
import dev.powersweep.orchestrator.storage.Storage;
import dev.powersweep.orchestrator.storage.SweepDirectory;
import dev.powersweep.orchestrator.storage.UserError;
import java.io.ByteArrayOutputStream;
import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.FileAlreadyExistsException;
import java.time.Instant;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.concurrent.BlockingQueue;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.LinkedBlockingQueue;
import java.util.function.Supplier;
import org.apache.hadoop.fs.Path;
import org.apache.logging.log4j.LogManager;
import org.apache.logging.log4j.Logger;

/**
 * The driver's pen. One thread writes; events that arrive while it writes go into the next segment together.
 *
 * <p>Guarantees: when {@link #append}'s future completes, the events are stored and count, even if another driver took
 * over in that moment; when it fails, they do not count. Assumes one instance per {@link Lease}.
 */
public final class Ledger implements AutoCloseable {
    private static final Logger LOG = LogManager.getLogger(Ledger.class);

    /** Segments of one size that are merged into one of the next size. */
    private static final int MERGE = 32;

    private static final int WRITE_TRIES = 5;
    private static final long FIRST_RETRY_MILLIS = 200;

    /** The ledger is another driver's now. */
    public static final class FencedException extends IOException {
        private static final long serialVersionUID = 1L;

        FencedException(Path ledger) {
            super("another driver has taken over " + ledger);
        }
    }

    private record Entry(List<LedgerEvent> events, CompletableFuture<Void> durable) {}

    private static final Entry END = new Entry(List.of(), new CompletableFuture<>());

    private final Storage storage;
    private final Path directory;
    private final Lease lease;
    private final SweepState initialState;
    private final BlockingQueue<Entry> queue = new LinkedBlockingQueue<>();
    private final List<Segment> segments = new ArrayList<>();
    private final Thread writer;
    private long writes;
    private volatile boolean fenced;

    private Ledger(
            Storage storage,
            Path directory,
            Lease lease,
            SweepState initialState,
            Lease.Timing timing,
            Supplier<Optional<LiveNumbers>> live) {
        this.storage = storage;
        this.directory = directory;
        this.lease = lease;
        this.initialState = initialState;
        this.writer = new Thread(this::write, "ledger");
        writer.setDaemon(true);
        writer.start();
        lease.keep(timing, live, () -> fenced = true);
    }

    /**
     * Takes the sweep's lease and replays its ledger.
     *
     * @param live asked for at every renewal of the lease; called from another thread
     * @throws UserError when another driver holds the sweep, or the directory cannot be written
     */
    public static Ledger open(
            Storage storage,
            SweepDirectory directory,
            String application,
            String version,
            Lease.Timing timing,
            Supplier<Optional<LiveNumbers>> live)
            throws InterruptedException {
        try {
            storage.makeDirectory(directory.ledger());
            Lease lease = Lease.acquire(storage, directory, timing);
            try {
                // Listed after the lease stands: a former driver whose write is not in this listing sees the lease.
                LedgerReader.Replay replay = LedgerReader.replay(storage, directory);
                Ledger ledger = new Ledger(storage, directory.ledger(), lease, replay.state(), timing, live);
                LedgerEvent.DriverStarted started = new LedgerEvent.DriverStarted(
                        Instant.now(),
                        lease.epoch(),
                        fences(lease.epoch(), replay.lastSegments()),
                        lease.holder().host(),
                        lease.holder().pid(),
                        application,
                        version);
                ledger.initialState.apply(started);
                ledger.append(List.of(started)).join();
                return ledger;
            } catch (IOException | RuntimeException e) {
                lease.close();
                throw e;
            }
        } catch (IOException e) {
            throw new UserError(
                    "cannot write to " + directory.root() + ": " + reason(e)
                            + "; choose another --output or make it writable",
                    e);
        }
    }

    private static Map<Long, Long> fences(long epoch, Map<Long, Long> lastSegments) {
        java.util.HashMap<Long, Long> fences = new java.util.HashMap<>();
        for (long earlier = 1; earlier < epoch; earlier++) {
            fences.put(earlier, lastSegments.getOrDefault(earlier, 0L));
        }
        return fences;
    }

    private static String reason(IOException e) {
        String message = e.getMessage();
        return e.getClass().getSimpleName().replace("Exception", "") + (message == null ? "" : " (" + message + ")");
    }

    /** The sweep as it was when this driver took it over. */
    public SweepState initialState() {
        return initialState;
    }

    public long epoch() {
        return lease.epoch();
    }

    /** Whether another driver has taken over; nothing this one does counts any more. */
    public boolean fenced() {
        return fenced;
    }

    /** Stores events, in this order, after all that were appended before. */
    public CompletableFuture<Void> append(List<? extends LedgerEvent> events) {
        Entry entry = new Entry(List.copyOf(events), new CompletableFuture<>());
        queue.add(entry);
        return entry.durable();
    }

    /** Writes what was appended, then gives the lease back. */
    @Override
    public void close() {
        queue.add(END);
        try {
            writer.join();
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
        }
        if (fenced) {
            lease.abandon();
        } else {
            lease.close();
        }
    }

    private void write() {
        List<Entry> batch = new ArrayList<>();
        while (true) {
            batch.clear();
            try {
                batch.add(queue.take());
            } catch (InterruptedException e) {
                return;
            }
            queue.drainTo(batch);
            boolean ending = batch.remove(END);
            if (!batch.isEmpty()) {
                writeBatch(batch);
            }
            if (ending) {
                return;
            }
        }
    }

    private void writeBatch(List<Entry> batch) {
        StringBuilder text = new StringBuilder();
        batch.forEach(entry -> entry.events()
                .forEach(event -> text.append(LedgerJson.line(event)).append('\n')));
        try {
            if (fenced) {
                throw new FencedException(directory);
            }
            Segment segment = Segment.in(directory, lease.epoch(), writes + 1, writes + 1);
            store(segment, text.toString().getBytes(StandardCharsets.UTF_8));
            if (lease.lost()) {
                fenced = true;
                throw new FencedException(directory);
            }
            writes++;
            segments.add(segment);
            batch.forEach(entry -> entry.durable().complete(null));
        } catch (IOException | RuntimeException e) {
            batch.forEach(entry -> entry.durable().completeExceptionally(e));
            return;
        }
        try {
            compact();
        } catch (IOException e) {
            LOG.warn("segments of {} could not be merged; they stay as they are: {}", directory, e.toString());
        }
    }

    private void store(Segment segment, byte[] content) throws IOException {
        for (int i = 1; ; i++) {
            try {
                storage.createNew(segment.path(), content);
                return;
            } catch (FileAlreadyExistsException e) {
                // Ours if an earlier try came through although it reported an error.
                if (i > 1 && Arrays.equals(storage.read(segment.path()), content)) {
                    return;
                }
                throw e;
            } catch (IOException e) {
                if (i == WRITE_TRIES) {
                    throw e;
                }
                LOG.warn("writing {} failed, trying again: {}", segment.path(), e.toString());
                try {
                    Thread.sleep(FIRST_RETRY_MILLIS << i);
                } catch (InterruptedException interrupted) {
                    Thread.currentThread().interrupt();
                    throw e;
                }
            }
        }
    }

    /**
     * Merges runs of segments of one size, so that a sweep of n writes leaves O(log n) files and each event is
     * rewritten O(log n) times. Only writes that are known to count are merged, so no fence falls inside a segment.
     */
    private void compact() throws IOException {
        while (true) {
            int size = segments.size();
            if (size < MERGE
                    || segments.get(size - MERGE).writes()
                            != segments.get(size - 1).writes()) {
                return;
            }
            List<Segment> old = List.copyOf(segments.subList(size - MERGE, size));
            ByteArrayOutputStream merged = new ByteArrayOutputStream();
            for (Segment segment : old) {
                merged.writeBytes(storage.read(segment.path()));
            }
            Segment whole = Segment.in(
                    directory,
                    lease.epoch(),
                    old.get(0).first(),
                    old.get(MERGE - 1).last());
            storage.createNew(whole.path(), merged.toByteArray());
            segments.subList(size - MERGE, size).clear();
            segments.add(whole);
            for (Segment segment : old) {
                storage.delete(segment.path());
            }
        }
    }
}
