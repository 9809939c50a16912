package dev.powersweep.orchestrator.ledger;

import dev.powersweep.orchestrator.dispatch.LedgerEvent;
import dev.powersweep.orchestrator.dispatch.SweepState;
import dev.powersweep.orchestrator.storage.Storage;
import dev.powersweep.orchestrator.storage.SweepDirectory;
import dev.powersweep.orchestrator.storage.UserError;
import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.time.Instant;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import java.util.concurrent.BlockingQueue;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.CompletionException;
import java.util.concurrent.LinkedBlockingQueue;
import java.util.concurrent.TimeUnit;
import java.util.function.Supplier;
import org.apache.hadoop.fs.Path;
import org.apache.logging.log4j.LogManager;
import org.apache.logging.log4j.Logger;

/**
 * The driver's pen. One thread writes; events that arrive while it writes go into the next segment together.
 *
 * <p>Guarantees: when {@link #append}'s future completes, the events are stored and count, even if another driver took
 * over in that moment. When it fails with {@link UnknownException}, they may have been stored or be stored yet; when it
 * fails otherwise, they do not count, and neither does anything that is appended after. Every future completes. Assumes
 * one instance per {@link Lease}.
 */
public final class Ledger implements AutoCloseable {
    private static final Logger LOG = LogManager.getLogger(Ledger.class);

    /** The ledger is another driver's now. */
    public static final class FencedException extends IOException {
        private static final long serialVersionUID = 1L;

        FencedException(Path ledger) {
            super("another driver has taken over " + ledger);
        }
    }

    /** The storage does not say whether a write succeeded. */
    public static final class UnknownException extends IOException {
        private static final long serialVersionUID = 1L;

        UnknownException(Path ledger, IOException cause) {
            super(
                    "it is not known whether the newest events are stored in " + ledger + " (" + reason(cause) + ")",
                    cause);
        }
    }

    private record Entry(List<LedgerEvent> events, CompletableFuture<Void> durable) {}

    private static final Entry END = new Entry(List.of(), new CompletableFuture<>());

    private final Path directory;
    private final Lease lease;
    private final SweepState initialState;
    private final SegmentWriter segments;
    private final BlockingQueue<Entry> queue = new LinkedBlockingQueue<>();
    private final Thread writer;
    private Optional<Throwable> broken = Optional.empty();
    private volatile boolean fenced;

    private Ledger(
            Storage storage,
            Path directory,
            Lease lease,
            SweepState initialState,
            Lease.Timing timing,
            Supplier<Optional<LiveNumbers>> live) {
        this.directory = directory;
        this.lease = lease;
        this.initialState = initialState;
        this.segments = new SegmentWriter(storage, directory, lease.epoch(), TimeUnit.MILLISECONDS::sleep);
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
            Ledger ledger;
            LedgerEvent.DriverStarted started;
            try {
                // Listed after the lease stands: a former driver whose write is not in this listing sees the lease.
                LedgerReader.Replay replay = LedgerReader.replay(storage, directory);
                started = replay.next(Instant.now(), lease.holder(), application, version);
                replay.state().apply(started);
                ledger = new Ledger(storage, directory.ledger(), lease, replay.state(), timing, live);
            } catch (IOException | RuntimeException e) {
                lease.close();
                throw e;
            }
            try {
                ledger.append(List.of(started)).join();
                return ledger;
            } catch (CompletionException e) {
                ledger.close();
                throw e.getCause() instanceof IOException failure ? failure : new IOException(e.getCause());
            }
        } catch (IOException e) {
            throw new UserError(
                    "cannot write to " + directory.root() + ": " + reason(e)
                            + "; choose another --output or make it writable",
                    e);
        }
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
        boolean ending = false;
        while (!ending) {
            batch.clear();
            try {
                batch.add(queue.take());
                queue.drainTo(batch);
                ending = batch.remove(END);
                if (!batch.isEmpty()) {
                    writeBatch(batch);
                }
            } catch (Throwable e) {
                // Whoever waits must hear of it, whatever it is; what follows would rest on events that are not there.
                LOG.error("the writer of {} failed", directory, e);
                broken = Optional.of(e);
                batch.forEach(entry -> entry.durable().completeExceptionally(e));
                ending = ending || e instanceof InterruptedException;
            }
        }
        for (Entry late = queue.poll(); late != null; late = queue.poll()) {
            late.durable().completeExceptionally(new IOException("the ledger of " + directory + " is closed"));
        }
    }

    private void writeBatch(List<Entry> batch) throws InterruptedException {
        if (fenced && broken.isEmpty()) {
            broken = Optional.of(new FencedException(directory));
        }
        if (broken.isPresent()) {
            batch.forEach(entry -> entry.durable().completeExceptionally(broken.get()));
            return;
        }
        StringBuilder text = new StringBuilder();
        batch.forEach(entry -> entry.events()
                .forEach(event -> text.append(LedgerJson.line(event)).append('\n')));
        SegmentWriter.Result result = segments.write(text.toString().getBytes(StandardCharsets.UTF_8));
        if (result instanceof SegmentWriter.Result.Failed failed) {
            fenced = fenced || failed.reason() instanceof FencedException;
            broken = Optional.of(failed.reason());
            batch.forEach(entry -> entry.durable().completeExceptionally(failed.reason()));
        } else if (result instanceof SegmentWriter.Result.Unknown unknown) {
            IOException reason = new UnknownException(directory, unknown.reason());
            batch.forEach(entry -> entry.durable().completeExceptionally(reason));
        } else {
            batch.forEach(entry -> entry.durable().complete(null));
            compact();
        }
    }

    private void compact() {
        try {
            segments.compact();
        } catch (IOException e) {
            LOG.warn("segments of {} could not be merged; they stay as they are: {}", directory, e.toString());
        }
    }
}
