package dev.powersweep.orchestrator.ledger;

import dev.powersweep.orchestrator.dispatch.LedgerEvent;
import dev.powersweep.orchestrator.storage.Storage;
import dev.powersweep.orchestrator.storage.SweepDirectory;
import java.io.IOException;
import java.util.List;

/** Every event that counts, as a reader finds it. */
public final class StoredEvents {
    private StoredEvents() {}

    public static List<LedgerEvent> of(Storage storage, SweepDirectory directory) {
        for (int tries = 0; ; tries++) {
            try {
                return LedgerReader.counting(storage, directory).events().values().stream()
                        .flatMap(List::stream)
                        .toList();
            } catch (IOException e) {
                if (tries == 1000) {
                    throw new AssertionError(e);
                }
            }
        }
    }
}
