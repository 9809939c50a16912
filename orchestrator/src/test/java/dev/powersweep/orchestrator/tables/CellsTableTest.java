package dev.powersweep.orchestrator.tables;

import static org.assertj.core.api.Assertions.assertThat;

import dev.powersweep.orchestrator.dispatch.LedgerEvent;
import dev.powersweep.orchestrator.dispatch.SweepState;
import dev.powersweep.orchestrator.driver.StandInTrainer;
import dev.powersweep.orchestrator.driver.Sweeps;
import dev.powersweep.worker.cell.Cell;
import java.time.Instant;
import org.junit.jupiter.api.Test;

class CellsTableTest {
    private static final Instant NOW = Instant.parse("2026-01-01T00:00:00Z");

    @Test
    void aCellKeepsWhatItsCorpusWasReadFrom() {
        Cell cell = Sweeps.cell(1, 2, StandInTrainer.Trouble.NONE);
        SweepState state = new SweepState();
        state.apply(new LedgerEvent.CorpusRead(NOW, "deadbeef", 9, 9, "9 text"));
        state.apply(new LedgerEvent.Planned(NOW, "cell", cell, 1, 1));
        assertThat(CellsTable.rows(state).get(0).provenance().corpusFiles()).isEmpty();

        state.apply(
                new LedgerEvent.CorpusRead(NOW, cell.data().corpusHash(), 3, 1_234_567, "2 JSON Lines (gzip), 1 text"));

        CellRow.Provenance kept = CellsTable.rows(state).get(0).provenance();
        assertThat(kept.corpusFiles()).hasValue(3);
        assertThat(kept.corpusBytes()).hasValue(1_234_567);
        assertThat(kept.corpusKinds()).hasValue("2 JSON Lines (gzip), 1 text");
    }
}
