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
import dev.powersweep.worker.cell.Frame;
import java.nio.file.Path;
import java.time.Instant;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import java.util.OptionalDouble;
import java.util.function.ToDoubleFunction;
import org.apache.hadoop.conf.Configuration;

/** A sweep directory whose cells, a grid of sizes and data, have all finished with losses by a known law. */
public final class TrainedGrid {
    public static final double E = 1.5;
    public static final double A = 20;
    public static final double ALPHA = 0.3;
    public static final double B = 80;
    public static final double BETA = 0.4;

    private static final int[] LAYERS = {1, 2, 4, 8, 16};
    private static final long[] STEPS = {80, 160, 320, 640};
    /** Gradient norms of its smallest cells and of the others, beside their {@code gradientClip} of 1. */
    private static final double CLIPPED = 1.5;

    private static final double UNCLIPPED = 0.5;
    private static final Instant NOW = Instant.parse("2026-01-02T03:04:05Z");

    private TrainedGrid() {}

    /** How many cells there are. */
    public static int cells() {
        return LAYERS.length * STEPS.length;
    }

    private static double loss(double n, double d) {
        return E + A * Math.pow(n, -ALPHA) + B * Math.pow(d, -BETA);
    }

    /** Writes ledger and tables as a run would have left them. */
    public static void write(Path root) throws Exception {
        List<Cell> cells = new ArrayList<>();
        for (int layers : LAYERS) {
            for (long steps : STEPS) {
                cells.add(Sweeps.cell(layers, steps, Trouble.NONE));
            }
        }
        write(root, cells, cell -> loss(cell.shape().nonEmbeddingParameters(), cell.tokens()));
    }

    /** The same of other cells, with the losses that they are to have. */
    public static void write(Path root, List<Cell> cells, ToDoubleFunction<Cell> losses) throws Exception {
        Configuration configuration = new Configuration();
        SweepDirectory directory = SweepDirectory.at(root.toString(), configuration);
        Storage storage = Storage.of(directory.root(), configuration);
        SweepPlan plan = Sweeps.plan(Sweeps.POLICY, cells.toArray(Cell[]::new));
        try (Ledger ledger = Ledger.open(storage, directory, "app", "test", Lease.Timing.DEFAULT, Optional::empty)) {
            List<LedgerEvent> events = new ArrayList<>();
            events.add(new LedgerEvent.Submitted(
                    NOW, plan.name(), plan.corpusHash(), plan.specification(), plan.policy()));
            for (PlannedCell planned : plan.cells()) {
                Cell cell = planned.gridCell().cell();
                events.add(new LedgerEvent.Planned(NOW, planned.gridCell().name(), cell, 1, 1 << 20));
                events.add(new LedgerEvent.Running(NOW, cell.id(), 1, 0));
                double loss = losses.applyAsDouble(cell);
                AttemptReport done = report(cell, loss);
                events.add(new LedgerEvent.Ended(NOW, done));
                long steps = cell.data().steps();
                CellStore.open(storage, directory, cell.id(), 1, 0)
                        .commit(
                                Optional.empty(),
                                steps,
                                List.of(new StepRow(
                                        cell.id(),
                                        1,
                                        steps,
                                        cell.tokens(),
                                        loss,
                                        1e-3,
                                        cell.shape().layers() == LAYERS[0] ? CLIPPED : UNCLIPPED,
                                        OptionalDouble.empty(),
                                        OptionalDouble.of(1),
                                        1)),
                                List.of(new EvalRow(
                                        cell.id(), 1, steps, cell.tokens(), "validation", loss, 0.01, loss, 100, 1)),
                                Optional.of(done));
            }
            ledger.append(events).join();
        }
        CellsTable.write(storage, directory, CellsTable.rows(LedgerReader.open(directory, configuration)));
    }

    private static AttemptReport report(Cell cell, double loss) {
        long steps = cell.data().steps();
        Frame.Evaluation last = new Frame.Evaluation(cell.id(), steps, "validation", loss, 0.01, 100, loss, 0.1);
        return Reports.report(
                cell.id(),
                1,
                new Outcome.Finished(
                        new Frame.Finished(cell.id(), steps, false, loss, List.of(last), 0.2, 0.1, 100 << 20)),
                steps,
                1,
                8,
                "host",
                NOW);
    }
}
