package dev.powersweep.orchestrator.ledger;

import dev.powersweep.orchestrator.dispatch.LedgerEvent;
import dev.powersweep.orchestrator.storage.Storage;
import dev.powersweep.orchestrator.storage.SweepDirectory;
import dev.powersweep.orchestrator.storage.UserError;
import java.io.FileNotFoundException;
import java.io.IOException;
import java.nio.file.NoSuchFileException;
import java.util.ArrayList;
import java.util.List;
import java.util.Set;
import java.util.TreeMap;
import java.util.stream.Collectors;

/**
 * Reads a ledger again and again beside a driver that writes it, each time only what is new. Needs no lease. Not safe for
 * use by several threads.
 *
 * <p>Guarantees: all news together, from the newest that begin anew, are the events that {@link LedgerReader} replays at
 * that moment, in its order.
 */
public final class LedgerFollower {

    /**
     * What has come since the last look.
     *
     * @param beginning whether what was told before is void, as when another driver has taken over
     */
    public record News(Beginning beginning, List<LedgerEvent> events) {
        public boolean isEmpty() {
            return beginning == Beginning.ON && events.isEmpty();
        }
    }

    public enum Beginning {
        /** After what was told before. */
        ON,
        /** From nothing. */
        ANEW
    }

    private final Storage storage;
    private final SweepDirectory directory;
    private Set<Segment> seen = Set.of();
    private long epoch;
    /** Events of the epoch up to the end of each of its segments that were read, by the segment's last write. */
    private TreeMap<Long, Integer> ends = new TreeMap<>();

    public LedgerFollower(Storage storage, SweepDirectory directory) {
        this.storage = storage;
        this.directory = directory;
    }

    /**
     * What is new.
     *
     * @throws UserError where the ledger is damaged
     * @throws IOException where it cannot be read just now
     */
    public News next() throws IOException {
        IOException last = null;
        Set<Segment> before = Set.of();
        for (int i = 0; i < LedgerReader.TRIES; i++) {
            try {
                return read();
            } catch (FileNotFoundException | NoSuchFileException | LedgerReader.GapException e) {
                // The driver merged a segment away between our listing and our reading.
                last = e;
                Set<Segment> now = Set.copyOf(LedgerReader.segments(storage, directory));
                if (now.equals(before)) {
                    break;
                }
                before = now;
            }
        }
        if (last instanceof LedgerReader.GapException) {
            throw new UserError(last.getMessage(), last);
        }
        throw last;
    }

    private News read() throws IOException {
        List<Segment> lying = LedgerReader.segments(storage, directory);
        Set<Segment> now = Set.copyOf(lying);
        if (now.equals(seen)) {
            return new News(Beginning.ON, List.of());
        }
        News news = lying.stream().mapToLong(Segment::epoch).max().orElse(0) == epoch ? more(lying) : all(lying);
        seen = now;
        return news;
    }

    private News more(List<Segment> lying) throws IOException {
        List<Segment> segments = LedgerReader.uncovered(
                lying.stream().filter(segment -> segment.epoch() == epoch).collect(Collectors.toList()));
        LedgerReader.refuseGaps(directory, epoch, segments, Long.MAX_VALUE);
        TreeMap<Long, Integer> known = new TreeMap<>(ends);
        List<LedgerEvent> events = new ArrayList<>();
        for (Segment segment : segments) {
            int read = known.lastEntry().getValue();
            if (segment.last() <= known.lastKey()) {
                continue;
            }
            Integer before = known.get(segment.first() - 1);
            if (before == null) {
                // Merged of segments of which some were read and others not, and no telling where one ends.
                return all(lying);
            }
            List<LedgerEvent> held = LedgerReader.events(storage, segment);
            events.addAll(held.subList(read - before, held.size()));
            known.put(segment.last(), before + held.size());
        }
        ends = known;
        return new News(Beginning.ON, events);
    }

    private News all(List<Segment> lying) throws IOException {
        LedgerReader.Counting counting = LedgerReader.counting(storage, directory, lying);
        epoch = counting.events().isEmpty() ? 0 : counting.events().lastKey();
        ends = new TreeMap<>(counting.newestEnds());
        ends.put(0L, 0);
        return new News(
                Beginning.ANEW,
                counting.events().values().stream().flatMap(List::stream).toList());
    }
}
