package dev.powersweep.orchestrator.driver;

import dev.powersweep.orchestrator.cellstore.CellStore;
import dev.powersweep.orchestrator.dispatch.AttemptReport;
import dev.powersweep.orchestrator.dispatch.LedgerEvent;
import dev.powersweep.orchestrator.dispatch.Outcome;
import dev.powersweep.orchestrator.dispatch.Reports;
import dev.powersweep.orchestrator.driver.StandInTrainer.Trouble;
import dev.powersweep.orchestrator.ledger.Lease;
import dev.powersweep.orchestrator.ledger.Ledger;
import dev.powersweep.orchestrator.ledger.LedgerReader;
import dev.powersweep.orchestrator.plan.PlannedCell;
import dev.powersweep.orchestrator.plan.SweepPlan;
import dev.powersweep.orchestrator.storage.Storage;
import dev.powersweep.orchestrator.storage.SweepDirectory;
import dev.powersweep.orchestrator.tables.CellsTable;
import dev.powersweep.orchestrator.tables.EvalRow;
import dev.powersweep.orchestrator.tables.StepRow;
import dev.powersweep.worker.cell.Cell;
import dev.powersweep.worker.cell.FailureClass;
import dev.powersweep.worker.cell.Frame;
import java.nio.file.Path;
import java.time.Instant;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import java.util.OptionalDouble;
import org.apache.hadoop.conf.Configuration;

/**
 * A sweep of which every question has an answer: a grid of sizes with two seeds each that finished, a spike in each of their
 * curves, a cell that diverged, one that failed, and one that nobody has begun.
 */
public final class SweepOfAllKinds {
    private static final Instant NOW = Instant.parse("2026-01-02T03:04:05Z");
    private static final int[] LAYERS = {1, 2, 4, 8};
    private static final long[] STEPS = {80, 160, 320, 640};
    private static final int ROWS = 8;

    private SweepOfAllKinds() {}

    /** Writes ledger and tables as a run would have left them. */
    public static void write(Path root) throws Exception {
        Configuration configuration = new Configuration();
        SweepDirectory directory = SweepDirectory.at(root.toString(), configuration);
        Storage storage = Storage.of(directory.root(), configuration);
        List<Cell> cells = new ArrayList<>();
        for (int layers : LAYERS) {
            for (long steps : STEPS) {
                // Cells of the stand-in that differ in their trouble differ in their seed.
                cells.add(Sweeps.cell(layers, steps, Trouble.NONE));
                cells.add(Sweeps.cell(layers, steps, Trouble.IS_SLOW));
            }
        }
        Cell diverged = Sweeps.cell(1, 100, Trouble.DIVERGES);
        Cell failed = Sweeps.cell(1, 100, Trouble.HAS_A_BUG);
        List<Cell> all = new ArrayList<>(cells);
        all.addAll(List.of(diverged, failed, Sweeps.cell(1, 100, Trouble.NONE)));
        SweepPlan plan = Sweeps.plan(Sweeps.POLICY, all.toArray(Cell[]::new));
        try (Ledger ledger = Ledger.open(storage, directory, "app", "test", Lease.Timing.DEFAULT, Optional::empty)) {
            List<LedgerEvent> events = new ArrayList<>(List.of(new LedgerEvent.Submitted(
                    NOW, plan.name(), plan.corpusHash(), plan.specification(), plan.policy())));
            for (PlannedCell planned : plan.cells()) {
                events.add(new LedgerEvent.Planned(
                        NOW, planned.gridCell().name(), planned.gridCell().cell(), 1, 1 << 20));
            }
            for (Cell cell : cells) {
                AttemptReport done = report(cell, finished(cell), cell.data().steps());
                events.add(new LedgerEvent.Running(NOW, cell.id(), 1, 0));
                events.add(new LedgerEvent.Ended(NOW, done));
                CellStore.open(storage, directory, cell.id(), 1, 0)
                        .commit(
                                Optional.empty(),
                                cell.data().steps(),
                                steps(cell, cell.data().steps() / ROWS),
                                List.of(new EvalRow(
                                        cell.id(),
                                        1,
                                        cell.data().steps(),
                                        cell.tokens(),
                                        "validation",
                                        loss(cell),
                                        0.01,
                                        loss(cell),
                                        100,
                                        1)),
                                Optional.of(done));
            }
            events.add(new LedgerEvent.Running(NOW, diverged.id(), 1, 0));
            AttemptReport up = report(diverged, new Outcome.Diverged("loss 1e9"), ROWS);
            events.add(new LedgerEvent.Ended(NOW, up));
            CellStore.open(storage, directory, diverged.id(), 1, 0)
                    .commit(Optional.empty(), ROWS, steps(diverged, 1), List.of(), Optional.of(up));
            events.add(new LedgerEvent.Running(NOW, failed.id(), 1, 0));
            events.add(new LedgerEvent.Ended(
                    NOW, report(failed, Outcome.failed(FailureClass.BUG, "index 3 out of bounds", ""), 0)));
            ledger.append(events).join();
        }
        CellsTable.write(storage, directory, CellsTable.rows(LedgerReader.open(directory, configuration)));
    }

    private static double loss(Cell cell) {
        return 1.5
                + 20 * Math.pow(cell.shape().nonEmbeddingParameters(), -0.3)
                + 80 * Math.pow(cell.tokens(), -0.4)
                + 0.001 * cell.seed();
    }

    /** @param apart steps from one row to the next */
    private static List<StepRow> steps(Cell cell, long apart) {
        List<StepRow> rows = new ArrayList<>();
        for (int i = 1; i <= ROWS; i++) {
            rows.add(new StepRow(
                    cell.id(),
                    1,
                    i * apart,
                    i * apart * cell.batchTokens(),
                    loss(cell) + 1.0 / i,
                    1e-3,
                    i == 3 ? 50 : 1,
                    OptionalDouble.empty(),
                    OptionalDouble.of(1),
                    1));
        }
        return rows;
    }

    private static Outcome finished(Cell cell) {
        long steps = cell.data().steps();
        Frame.Evaluation last =
                new Frame.Evaluation(cell.id(), steps, "validation", loss(cell), 0.01, 100, loss(cell), 0.1);
        return new Outcome.Finished(
                new Frame.Finished(cell.id(), steps, false, loss(cell), List.of(last), 0.2, 0.1, 100 << 20));
    }

    private static AttemptReport report(Cell cell, Outcome outcome, long step) {
        return Reports.report(cell.id(), 1, outcome, step, 1, 8, "host", NOW);
    }
}
