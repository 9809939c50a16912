package dev.powersweep.orchestrator.ledger;

import dev.powersweep.orchestrator.dispatch.LedgerEvent;
import dev.powersweep.orchestrator.dispatch.SweepState;
import dev.powersweep.orchestrator.storage.Storage;
import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.time.Instant;
import java.util.List;
import java.util.Optional;
import org.apache.hadoop.fs.Path;

/**
 * A {@link Ledger} without its threads and clock: the lease, the reader, the writer and the codec are the real ones, and
 * a call returns when the write has come to its end.
 */
public final class SimulatedLedger {
    private final Storage storage;
    private final Path successor;
    private final long epoch;
    private final SweepState state;
    private final SegmentWriter segments;
    private boolean fenced;

    private SimulatedLedger(Storage storage, Path directory, long epoch, SweepState state, SegmentWriter segments) {
        this.storage = storage;
        successor = Lease.successor(directory, epoch);
        this.epoch = epoch;
        this.state = state;
        this.segments = segments;
    }

    /** Takes over as a driver does that holds the former one for dead. */
    public static SimulatedLedger open(Storage storage, Path root, Instant now)
            throws IOException, InterruptedException {
        Path directory = new Path(root, "ledger");
        long epoch = Lease.newestEpoch(storage, directory) + 1;
        Lease.Holder holder = new Lease.Holder(epoch, "driver", epoch, Optional.empty(), "simulation", now);
        Lease.claim(storage, directory, holder);
        LedgerReader.Replay replay =
                LedgerReader.replay(storage, new dev.powersweep.orchestrator.storage.SweepDirectory(root));
        LedgerEvent.DriverStarted started = replay.next(now, holder, "simulation", "test");
        replay.state().apply(started);
        SimulatedLedger ledger = new SimulatedLedger(
                storage, directory, epoch, replay.state(), new SegmentWriter(storage, directory, epoch, millis -> {}));
        ledger.append(List.of(started));
        return ledger;
    }

    public SweepState state() {
        return state;
    }

    public long epoch() {
        return epoch;
    }

    /**
     * Stores events.
     *
     * @return what was written, a line an event
     * @throws IOException when the events are not known to be stored
     */
    public String append(List<? extends LedgerEvent> events) throws IOException, InterruptedException {
        StringBuilder text = new StringBuilder();
        events.forEach(event -> text.append(LedgerJson.line(event)).append('\n'));
        SegmentWriter.Result result = segments.write(text.toString().getBytes(StandardCharsets.UTF_8));
        if (result instanceof SegmentWriter.Result.Failed failed) {
            fenced = fenced || failed.reason() instanceof Ledger.FencedException;
            throw failed.reason();
        } else if (result instanceof SegmentWriter.Result.Unknown unknown) {
            throw unknown.reason();
        }
        try {
            segments.compact();
        } catch (IOException e) {
            // As in the ledger: they stay as they are.
            return text.toString();
        }
        return text.toString();
    }

    /** Whether the driver has learnt that another one has taken over. */
    public boolean fenced() {
        return fenced;
    }

    /** The renewal of the lease, which is where a driver that writes nothing learns of another. */
    public void renew() throws IOException {
        fenced = fenced || storage.exists(successor);
    }
}
