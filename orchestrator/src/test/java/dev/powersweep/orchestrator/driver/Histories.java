package dev.powersweep.orchestrator.driver;

import dev.powersweep.orchestrator.dispatch.AttemptReport;
import dev.powersweep.orchestrator.dispatch.LedgerEvent;
import dev.powersweep.orchestrator.ledger.LedgerJson;
import dev.powersweep.orchestrator.storage.Storage;
import dev.powersweep.orchestrator.storage.SweepDirectory;
import java.nio.charset.StandardCharsets;
import java.util.ArrayList;
import java.util.Comparator;
import java.util.List;
import java.util.Optional;
import org.apache.hadoop.conf.Configuration;

/** What the ledger says happened to a cell, in order. */
public final class Histories {
    private Histories() {}

    /** States with their failure classes, for a ledger that was not compacted. */
    public static String of(SweepDirectory directory, Configuration configuration, String cell) throws Exception {
        List<String> states = new ArrayList<>();
        for (LedgerEvent event : events(directory, configuration)) {
            state(event, cell).ifPresent(states::add);
        }
        return String.join(" ", states);
    }

    /** States with attempt, failure class and micro-batch where one was ordered: {@code RUNNING #2 micro-batch 4}. */
    public static List<String> full(SweepDirectory directory, Configuration configuration, String cell)
            throws Exception {
        return events(directory, configuration).stream()
                .flatMap(event -> fullState(event, cell).stream())
                .toList();
    }

    private static Optional<String> fullState(LedgerEvent event, String cell) {
        if (event instanceof LedgerEvent.Running running && running.cell().equals(cell)) {
            return Optional.of("RUNNING #" + running.attempt()
                    + (running.microBatchSequences() == 0 ? "" : " micro-batch " + running.microBatchSequences()));
        } else if (event instanceof LedgerEvent.Ended ended
                && ended.report().cell().equals(cell)) {
            return Optional.of(ended.report().state() + " #" + ended.report().attempt()
                    + ended.report().failure().map(failure -> " " + failure).orElse(""));
        } else if (event instanceof LedgerEvent.Requested requested
                && requested.cell().equals(cell)) {
            return Optional.of("PLANNED again " + requested.beginning());
        }
        return state(event, cell);
    }

    /** How every attempt of a cell ended, in order. */
    public static List<AttemptReport> reports(SweepDirectory directory, Configuration configuration, String cell)
            throws Exception {
        return events(directory, configuration).stream()
                .filter(LedgerEvent.Ended.class::isInstance)
                .map(event -> ((LedgerEvent.Ended) event).report())
                .filter(report -> report.cell().equals(cell))
                .toList();
    }

    /** Everything that happened, for a ledger that was not compacted. */
    public static List<LedgerEvent> events(SweepDirectory directory, Configuration configuration) throws Exception {
        Storage storage = Storage.of(directory.root(), configuration);
        List<LedgerEvent> events = new ArrayList<>();
        List<Storage.Entry> segments = storage.list(directory.ledger()).stream()
                .filter(entry -> entry.name().startsWith("segment-"))
                .sorted(Comparator.comparing(Storage.Entry::name))
                .toList();
        for (Storage.Entry segment : segments) {
            for (String line : new String(storage.read(segment.path()), StandardCharsets.UTF_8).split("\n", -1)) {
                if (!line.isEmpty()) {
                    events.add(LedgerJson.read(line, LedgerEvent.class));
                }
            }
        }
        return events;
    }

    private static Optional<String> state(LedgerEvent event, String cell) {
        if (event instanceof LedgerEvent.Planned planned && planned.cell().id().equals(cell)) {
            return Optional.of("PLANNED");
        } else if (event instanceof LedgerEvent.Running running
                && running.cell().equals(cell)) {
            return Optional.of("RUNNING");
        } else if (event instanceof LedgerEvent.Ended ended
                && ended.report().cell().equals(cell)) {
            return Optional.of(ended.report().state()
                    + ended.report().failure().map(failure -> ":" + failure).orElse(""));
        } else if (event instanceof LedgerEvent.Requested requested
                && requested.cell().equals(cell)) {
            return Optional.of("PLANNED");
        }
        return Optional.empty();
    }
}
