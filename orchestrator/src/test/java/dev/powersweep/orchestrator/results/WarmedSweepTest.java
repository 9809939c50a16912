package dev.powersweep.orchestrator.results;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.within;

import dev.powersweep.orchestrator.dispatch.LedgerEvent;
import dev.powersweep.orchestrator.dispatch.Outcome;
import dev.powersweep.orchestrator.dispatch.Reports;
import dev.powersweep.orchestrator.dispatch.RunTotals;
import dev.powersweep.orchestrator.dispatch.SweepState;
import dev.powersweep.orchestrator.driver.StandInTrainer;
import dev.powersweep.orchestrator.driver.Sweeps;
import dev.powersweep.orchestrator.driver.TrainedGrid;
import dev.powersweep.orchestrator.ledger.SweepStatus;
import dev.powersweep.orchestrator.storage.SweepDirectory;
import dev.powersweep.orchestrator.tables.CellRow;
import dev.powersweep.orchestrator.tables.CellsTable;
import dev.powersweep.orchestrator.tables.StepRow;
import dev.powersweep.worker.cell.Cell;
import java.nio.file.Path;
import java.time.Instant;
import java.util.ArrayList;
import java.util.List;
import java.util.OptionalDouble;
import org.apache.hadoop.conf.Configuration;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** A cell of 512 tokens in six steps, whose first three have smaller batches, beside one of four equal steps. */
class WarmedSweepTest {
    private static final Instant NOW = Instant.parse("2026-01-01T00:00:00Z");
    private static final Cell WARMED = Sweeps.warmed();
    private static final Cell PLAIN = Sweeps.cell(1, 4, StandInTrainer.Trouble.NONE);

    @TempDir
    private Path folder;

    @Test
    void itsResultsSayWithWhatItBegan() throws Exception {
        TrainedGrid.write(folder, List.of(WARMED, PLAIN), cell -> 2.5);
        Configuration configuration = new Configuration();
        SweepDirectory directory = SweepDirectory.at(folder.toString(), configuration);

        SweepResults results = SweepReader.read(directory, configuration);

        CellResult warmed = results.cells().stream()
                .filter(cell -> cell.id().equals(WARMED.id()))
                .findFirst()
                .orElseThrow();
        assertThat(warmed.batchWarmup()).contains(new CellResult.BatchWarmup(3, 128));
        assertThat(warmed.tokensDone()).isEqualTo(512);
        assertThat(warmed.steps()).isEqualTo(6);
        assertThat(warmed.tokensPerSecond().getAsDouble()).isCloseTo(512 / 0.1, within(1e-6));
        assertThat(warmed.settings()).containsEntry("training.batchWarmup", "32 to 64, 64 to 128, rates 1.00 1.00");
        CellResult plain = results.cells().stream()
                .filter(CellResult::constantBatch)
                .findFirst()
                .orElseThrow();
        assertThat(plain.id()).isEqualTo(PLAIN.id());
        assertThat(plain.settings()).containsEntry("training.batchWarmup", "none");
        assertThat(results.provenance())
                .containsEntry("batch warm-up", "3 steps, 128 tokens, with smaller batches than 128");
        assertThat(SweepStatus.read(directory, configuration).tokens()).isEqualTo(2 * 512);
    }

    @Test
    void tokensOfAnAttemptThatStoppedOnTheWayAreThoseOfItsSteps() {
        SweepState state = new SweepState();
        RunTotals totals = new RunTotals(state);
        for (LedgerEvent event : List.of(
                new LedgerEvent.Planned(NOW, "cell", WARMED, 1, 1),
                new LedgerEvent.Running(NOW, WARMED.id(), 1, 0),
                new LedgerEvent.Ended(
                        NOW, Reports.report(WARMED.id(), 1, Outcome.interrupted("killed"), 4, 1, 8, "host", NOW)))) {
            state.apply(event);
            totals.apply(event);
        }

        assertThat(totals.tokens()).isEqualTo(64 + 64 + 128);
        CellRow row = CellsTable.rows(state).get(0);
        assertThat(row.result().tokensDone()).isEqualTo(256);
        assertThat(row.scale().steps()).isEqualTo(6);
        assertThat(row.scale().tokens()).isEqualTo(512);
        assertThat(row.result().spentFlops().getAsDouble())
                .isEqualTo(WARMED.counts().trainingFlops(256).getAsDouble());
    }

    @Test
    void gradientNoiseIsThatOfTheStepsWithItsOwnBatch() {
        SweepState state = new SweepState();
        state.apply(new LedgerEvent.Planned(NOW, "cell", WARMED, 1, 1));
        state.apply(new LedgerEvent.Running(NOW, WARMED.id(), 1, 0));
        state.apply(new LedgerEvent.Ended(NOW, Reports.finished(WARMED.id(), 1, 6, 1, NOW)));
        List<StepRow> steps = new ArrayList<>();
        for (long step = 1; step <= 6; step++) {
            steps.add(new StepRow(
                    WARMED.id(),
                    1,
                    step,
                    WARMED.tokensThrough(step),
                    3,
                    1e-3,
                    1,
                    OptionalDouble.of(10 + step),
                    OptionalDouble.of(step),
                    1));
        }

        GradientNorms norms =
                SweepReader.norms(CellsTable.rows(state).get(0), steps).orElseThrow();

        assertThat(norms.step()).containsExactly(4, 5, 6);
        assertThat(norms.big()).containsExactly(4, 5, 6);
        assertThat(norms.bigTokens()).isEqualTo(128);
        assertThat(SweepReader.norms(CellsTable.rows(state).get(0), steps.subList(0, 3)))
                .isEmpty();
    }
}
