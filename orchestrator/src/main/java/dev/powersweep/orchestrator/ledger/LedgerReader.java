package dev.powersweep.orchestrator.ledger;

import com.fasterxml.jackson.core.JsonProcessingException;
import dev.powersweep.orchestrator.dispatch.LedgerEvent;
import dev.powersweep.orchestrator.dispatch.SweepState;
import dev.powersweep.orchestrator.storage.Storage;
import dev.powersweep.orchestrator.storage.SweepDirectory;
import dev.powersweep.orchestrator.storage.UserError;
import java.io.FileNotFoundException;
import java.io.IOException;
import java.io.Serial;
import java.nio.file.NoSuchFileException;
import java.time.Instant;
import java.util.ArrayList;
import java.util.Comparator;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.TreeMap;
import org.apache.hadoop.conf.Configuration;

/** Replays a ledger. Needs no lease and may run beside a living driver. */
public final class LedgerReader {
    static final int TRIES = 20;

    private LedgerReader() {}

    /** A ledger replayed, with what the next epoch has to fence. */
    record Replay(SweepState state, Map<Long, Long> lastSegments) {
        /** The first event of the driver that follows: says how far each earlier one's writes count. */
        LedgerEvent.DriverStarted next(Instant at, Lease.Holder holder, String application, String version) {
            Map<Long, Long> fences = new HashMap<>();
            for (long earlier = 1; earlier < holder.epoch(); earlier++) {
                fences.put(earlier, lastSegments.getOrDefault(earlier, 0L));
            }
            return new LedgerEvent.DriverStarted(
                    at, holder.epoch(), fences, holder.host(), holder.pid(), application, version);
        }
    }

    /** The sweep in {@code directory}; throws {@link UserError} when there is none. */
    public static SweepState open(SweepDirectory directory, Configuration configuration) {
        try {
            Storage storage = directory.storage(configuration);
            SweepState state = read(storage, directory);
            if (state.submitted().isEmpty()) {
                throw new UserError(directory.root() + " holds no sweep: give the directory that powersweep run"
                        + " wrote, or start a sweep there");
            }
            return state;
        } catch (IOException e) {
            throw new UserError("cannot read the ledger of " + directory.root() + ": " + e.getMessage(), e);
        }
    }

    /** The sweep as its ledger tells it; without {@link SweepState#submitted()} where there is none. */
    public static SweepState read(Storage storage, SweepDirectory directory) throws IOException {
        return replay(storage, directory).state();
    }

    static Replay replay(Storage storage, SweepDirectory directory) throws IOException {
        IOException last = null;
        Set<Segment> before = Set.of();
        for (int i = 0; i < TRIES; i++) {
            try {
                return tryReplay(storage, directory);
            } catch (FileNotFoundException | NoSuchFileException | GapException e) {
                // A living driver compacted a segment away while we listed, or before we read.
                last = e;
                Set<Segment> now = Set.copyOf(segments(storage, directory));
                if (now.equals(before)) {
                    break;
                }
                before = now;
            }
        }
        if (last instanceof GapException) {
            throw new UserError(last.getMessage(), last);
        }
        throw last;
    }

    private static Replay tryReplay(Storage storage, SweepDirectory directory) throws IOException {
        Counting counting = counting(storage, directory);
        SweepState state = new SweepState();
        try {
            counting.events().values().forEach(list -> list.forEach(state::apply));
        } catch (IllegalStateException e) {
            throw impossible(directory, e);
        }
        return new Replay(state, counting.lastSegments());
    }

    /** Of events of which one cannot follow the others. */
    public static UserError impossible(SweepDirectory directory, IllegalStateException contradiction) {
        return new UserError(
                "the ledger of " + directory.root() + " contradicts itself (" + contradiction.getMessage()
                        + "): restore " + directory.ledger() + " from a copy; nothing was changed",
                contradiction);
    }

    /**
     * The events that count, by epoch, with the last segment of each epoch, counted or not.
     *
     * @param newestEnds events of the newest epoch up to the end of each of its segments, by the segment's last write
     */
    record Counting(
            TreeMap<Long, List<LedgerEvent>> events, Map<Long, Long> lastSegments, TreeMap<Long, Integer> newestEnds) {}

    static Counting counting(Storage storage, SweepDirectory directory) throws IOException {
        return counting(storage, directory, segments(storage, directory));
    }

    /** All segments that lie in the directory. */
    static List<Segment> segments(Storage storage, SweepDirectory directory) throws IOException {
        return storage.list(directory.ledger()).stream()
                .flatMap(entry -> Segment.of(entry).stream())
                .toList();
    }

    static Counting counting(Storage storage, SweepDirectory directory, List<Segment> lying) throws IOException {
        TreeMap<Long, List<Segment>> epochs = new TreeMap<>();
        lying.forEach(segment -> epochs.computeIfAbsent(segment.epoch(), epoch -> new ArrayList<>())
                .add(segment));
        TreeMap<Long, List<LedgerEvent>> events = new TreeMap<>();
        TreeMap<Long, Integer> newestEnds = new TreeMap<>();
        Map<Long, Long> fences = new HashMap<>();
        Map<Long, Long> lastSegments = new HashMap<>();
        // The newest epoch first: its first event says how far the older ones count.
        for (Map.Entry<Long, List<Segment>> epoch : epochs.descendingMap().entrySet()) {
            List<Segment> segments = uncovered(epoch.getValue());
            lastSegments.put(epoch.getKey(), segments.get(segments.size() - 1).last());
            long fence = fences.getOrDefault(epoch.getKey(), Long.MAX_VALUE);
            refuseGaps(directory, epoch.getKey(), segments, fence);
            List<LedgerEvent> kept = new ArrayList<>();
            for (Segment segment : segments) {
                if (segment.last() <= fence) {
                    kept.addAll(events(storage, segment));
                }
                if (epoch.getKey().equals(epochs.lastKey())) {
                    newestEnds.put(segment.last(), kept.size());
                }
            }
            kept.stream()
                    .filter(LedgerEvent.DriverStarted.class::isInstance)
                    .map(LedgerEvent.DriverStarted.class::cast)
                    .flatMap(started -> started.fences().entrySet().stream())
                    .forEach(entry -> fences.merge(entry.getKey(), entry.getValue(), Math::min));
            events.put(epoch.getKey(), kept);
        }
        for (Map.Entry<Long, Long> fence : fences.entrySet()) {
            if (fence.getValue() > 0 && !epochs.containsKey(fence.getKey())) {
                throw new GapException(directory, fence.getKey(), 1);
            }
        }
        return new Counting(events, lastSegments, newestEnds);
    }

    /** A driver numbers its segments from one on, and whoever followed it wrote down how far they count. */
    static void refuseGaps(SweepDirectory directory, long epoch, List<Segment> segments, long fence)
            throws GapException {
        long next = 1;
        for (Segment segment : segments) {
            if (segment.first() > next && next <= fence) {
                throw new GapException(directory, epoch, next);
            }
            next = Math.max(next, segment.last() + 1);
        }
        if (fence != Long.MAX_VALUE && next <= fence) {
            throw new GapException(directory, epoch, next);
        }
    }

    /** A segment that was written is not there. */
    static final class GapException extends IOException {
        @Serial
        private static final long serialVersionUID = 1L;

        GapException(SweepDirectory directory, long epoch, long number) {
            super("the ledger of " + directory.root() + " has lost write " + number + " of driver " + epoch
                    + ", and with it what cells it tells of: restore "
                    + Segment.in(directory.ledger(), epoch, number, number).path()
                    + " from a copy; nothing was changed");
        }
    }

    /** Segments in order, without those that a compacted one holds as well. */
    static List<Segment> uncovered(List<Segment> segments) {
        List<Segment> ordered = new ArrayList<>(segments);
        ordered.sort(Comparator.comparingLong(Segment::first)
                .thenComparing(Comparator.comparingLong(Segment::last).reversed()));
        List<Segment> kept = new ArrayList<>();
        for (Segment segment : ordered) {
            if (kept.isEmpty() || !kept.get(kept.size() - 1).covers(segment)) {
                kept.add(segment);
            }
        }
        return kept;
    }

    static List<LedgerEvent> events(Storage storage, Segment segment) throws IOException {
        byte[] lines = storage.read(segment.path());
        try {
            List<LedgerEvent> events = LedgerJson.events(lines);
            if (events.isEmpty()) {
                throw new UserError(segment.path() + " is empty: restore the file from a copy; nothing was changed");
            }
            return events;
        } catch (JsonProcessingException e) {
            throw new UserError(
                    segment.path() + " holds a line that is no event of a ledger (" + e.getOriginalMessage()
                            + "): restore the file from a copy; nothing was changed",
                    e);
        }
    }
}
