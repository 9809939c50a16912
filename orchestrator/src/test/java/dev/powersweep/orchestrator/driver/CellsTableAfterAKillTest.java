package dev.powersweep.orchestrator.driver;

import static org.assertj.core.api.Assertions.assertThat;

import dev.powersweep.orchestrator.dispatch.AttemptReport;
import dev.powersweep.orchestrator.dispatch.LedgerEvent;
import dev.powersweep.orchestrator.ledger.Lease;
import dev.powersweep.orchestrator.ledger.Ledger;
import dev.powersweep.orchestrator.ledger.LedgerReader;
import dev.powersweep.orchestrator.results.CellResult;
import dev.powersweep.orchestrator.results.SweepReader;
import dev.powersweep.orchestrator.storage.Storage;
import dev.powersweep.orchestrator.storage.SweepDirectory;
import dev.powersweep.orchestrator.tables.CellRow;
import dev.powersweep.orchestrator.tables.CellsTable;
import dev.powersweep.orchestrator.tables.ResultTables;
import dev.powersweep.worker.cell.CellState;
import java.nio.file.Path;
import java.time.Instant;
import java.util.List;
import java.util.Optional;
import org.apache.hadoop.conf.Configuration;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** A driver that was killed between the ledger and its snapshot. */
class CellsTableAfterAKillTest {
    private static final Instant NOW = Instant.parse("2026-01-03T03:04:05Z");

    @TempDir
    Path folder;

    private final Configuration configuration = new Configuration();
    private SweepDirectory directory;
    private Storage storage;
    private String planned;

    @BeforeEach
    void store() throws Exception {
        StoredSweep.write(folder.resolve("sweep"));
        directory = SweepDirectory.at(folder.resolve("sweep").toString(), configuration);
        storage = Storage.of(directory.root(), configuration);
        planned = LedgerReader.open(directory, configuration).cells().stream()
                .filter(cell -> cell.state() == CellState.PLANNED)
                .findFirst()
                .orElseThrow()
                .cell()
                .id();
    }

    private Ledger driver() throws Exception {
        return Ledger.open(storage, directory, "app", "test", Lease.Timing.DEFAULT, Optional::empty);
    }

    private void losesTheCell(Ledger ledger) {
        ledger.append(List.of(
                        new LedgerEvent.Running(NOW, planned, 1, 0),
                        new LedgerEvent.Ended(NOW, AttemptReport.lost(planned, 1, "gone", NOW))))
                .join();
    }

    @Test
    void readersSeeTheLedgersTruthAndTheFileFollows() throws Exception {
        try (Ledger ledger = driver()) {
            losesTheCell(ledger);
        }
        assertThat(inTheFile()).isEqualTo("PLANNED");
        assertThat(SweepReader.read(directory, configuration).cells())
                .filteredOn(cell -> cell.id().equals(planned))
                .extracting(CellResult::state)
                .containsExactly(CellState.INTERRUPTED);
        CellsTable.refresh(directory, configuration);
        assertThat(inTheFile()).isEqualTo("INTERRUPTED");
    }

    @Test
    void whileADriverLivesTheFileIsItsBusiness() throws Exception {
        try (Ledger ledger = driver()) {
            losesTheCell(ledger);
            CellsTable.refresh(directory, configuration);
            assertThat(inTheFile()).isEqualTo("PLANNED");
        }
    }

    private String inTheFile() {
        return new ResultTables(directory, configuration)
                .cells().stream()
                        .map(CellRow::standing)
                        .filter(standing -> standing.cell().equals(planned))
                        .findFirst()
                        .orElseThrow()
                        .state();
    }
}
