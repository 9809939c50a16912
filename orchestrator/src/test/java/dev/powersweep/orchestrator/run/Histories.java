package dev.powersweep.orchestrator.run;

import dev.powersweep.orchestrator.ledger.LedgerEvent;
import dev.powersweep.orchestrator.ledger.LedgerJson;
import dev.powersweep.orchestrator.storage.Storage;
import dev.powersweep.orchestrator.storage.SweepDirectory;
import java.nio.charset.StandardCharsets;
import java.util.ArrayList;
import java.util.Comparator;
import java.util.List;
import org.apache.hadoop.conf.Configuration;

/** What the ledger says happened to a cell, in order. */
final class Histories {
    private Histories() {}

    /** States with their failure classes, for a ledger that was not compacted. */
    static String of(SweepDirectory directory, Configuration configuration, String cell) throws Exception {
        Storage storage = Storage.of(directory.root(), configuration);
        List<String> states = new ArrayList<>();
        List<Storage.Entry> segments = storage.list(directory.ledger()).stream()
                .filter(entry -> entry.name().startsWith("segment-"))
                .sorted(Comparator.comparing(Storage.Entry::name))
                .toList();
        for (Storage.Entry segment : segments) {
            for (String line : new String(storage.read(segment.path()), StandardCharsets.UTF_8).split("\n", -1)) {
                if (!line.isEmpty()) {
                    state(LedgerJson.read(line, LedgerEvent.class), cell).ifPresent(states::add);
                }
            }
        }
        return String.join(" ", states);
    }

    private static java.util.Optional<String> state(LedgerEvent event, String cell) {
        if (event instanceof LedgerEvent.Planned planned && planned.cell().id().equals(cell)) {
            return java.util.Optional.of("PLANNED");
        } else if (event instanceof LedgerEvent.Running running
                && running.cell().equals(cell)) {
            return java.util.Optional.of("RUNNING");
        } else if (event instanceof LedgerEvent.Ended ended
                && ended.report().cell().equals(cell)) {
            return java.util.Optional.of(ended.report().state()
                    + ended.report().failure().map(failure -> ":" + failure).orElse(""));
        } else if (event instanceof LedgerEvent.Requested requested
                && requested.cell().equals(cell)) {
            return java.util.Optional.of("PLANNED");
        }
        return java.util.Optional.empty();
    }
}
