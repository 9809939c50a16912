package dev.powersweep.orchestrator.viewer;

import dev.powersweep.orchestrator.storage.Storage;
import dev.powersweep.orchestrator.storage.UserError;
import dev.powersweep.orchestrator.tables.Merge;
import dev.powersweep.orchestrator.tables.ResultTables;
import dev.powersweep.orchestrator.tables.Table;
import dev.powersweep.orchestrator.tables.TableFiles;
import java.util.HashMap;
import java.util.HashSet;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Set;
import org.apache.logging.log4j.LogManager;
import org.apache.logging.log4j.Logger;

/**
 * Training curves of cells, read from the {@code steps} table by a thread of its own, so that a page need not wait for
 * them. Files are never changed once they are published, so that each is read once; of a curve some hundred points are kept.
 */
final class StoredCurves {
    private static final Logger LOG = LogManager.getLogger(StoredCurves.class);
    private static final List<String> COLUMNS = List.of("cell", "tokens", "loss");

    private final ResultTables tables;
    /** By file, then by cell; used by the reading thread alone. */
    private final Map<String, Map<String, MeanCurve>> files = new HashMap<>();

    private Map<String, MeanCurve.Points> curves = Map.of();
    private Set<String> wanted = Set.of();
    private Object wantedOf = "";
    private Optional<Thread> reading = Optional.empty();
    private String trouble = "";

    StoredCurves(ResultTables tables) {
        this.tables = tables;
    }

    /**
     * Asks for curves; comes back at once.
     *
     * @param of changes when the table may have changed
     */
    synchronized void want(Set<String> cells, Object of) {
        if (!of.equals(wantedOf)) {
            wanted = Set.of();
            wantedOf = of;
        }
        if (reading.isPresent() || wanted.containsAll(cells)) {
            return;
        }
        Set<String> all = new HashSet<>(wanted);
        all.addAll(cells);
        wanted = Set.copyOf(all);
        Thread thread = new Thread(() -> read(all), "curves");
        thread.setDaemon(true);
        thread.setPriority(Thread.MIN_PRIORITY);
        reading = Optional.of(thread);
        thread.start();
    }

    /** As far as they have been read. */
    synchronized Map<String, MeanCurve.Points> curves() {
        return curves;
    }

    /** Whether more curves are on their way. */
    synchronized boolean isReading() {
        return reading.isPresent();
    }

    /** Waits for what is being read, but not long. */
    void await(long millis) {
        Optional<Thread> thread;
        synchronized (this) {
            thread = reading;
        }
        try {
            if (thread.isPresent()) {
                thread.get().join(millis);
            }
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
        }
    }

    /** Why curves are missing, as a sentence; empty when none is. */
    synchronized String trouble() {
        return trouble;
    }

    private void read(Set<String> cells) {
        String sentence = "";
        try {
            readFiles(cells);
        } catch (UserError e) {
            sentence = "Curves are missing: " + e.getMessage();
        } catch (RuntimeException e) {
            sentence = "Curves are missing: " + e;
            LOG.warn("the curves of a sweep could not be read", e);
        }
        synchronized (this) {
            trouble = sentence;
            reading = Optional.empty();
        }
    }

    private void readFiles(Set<String> cells) {
        TableFiles.Listing listing = tables.listing(Table.STEPS);
        Map<String, Merge> merges = new HashMap<>();
        listing.merges().forEach(merge -> merges.put(merge.file(), merge));
        Set<String> names = new HashSet<>();
        Map<String, MeanCurve> joined = new HashMap<>();
        for (Storage.Entry entry : listing.entries()) {
            names.add(entry.name());
            Merge merge = merges.get(entry.name());
            boolean holds = merge == null
                    ? cells.stream().anyMatch(entry.name()::startsWith)
                    : cells.stream().anyMatch(merge::holds);
            if (holds) {
                files.computeIfAbsent(entry.name(), name -> curves(entry))
                        .forEach((cell, part) -> joined.computeIfAbsent(cell, key -> new MeanCurve())
                                .add(part));
            }
        }
        files.keySet().retainAll(names);
        synchronized (this) {
            Map<String, MeanCurve.Points> all = new HashMap<>(curves);
            all.keySet().removeAll(cells);
            joined.forEach((cell, curve) -> all.put(cell, curve.points()));
            curves = Map.copyOf(all);
        }
    }

    private Map<String, MeanCurve> curves(Storage.Entry entry) {
        Map<String, MeanCurve> of = new HashMap<>();
        tables.scan(entry, Table.STEPS, COLUMNS, row -> of.computeIfAbsent((String) row[0], cell -> new MeanCurve())
                .add(((Number) row[1]).doubleValue(), ((Number) row[2]).doubleValue()));
        return of;
    }
}
