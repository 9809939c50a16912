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
import dev.powersweep.worker.cell.FailureClass;
import java.nio.file.Path;
import java.time.Instant;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import java.util.OptionalDouble;
import org.apache.hadoop.conf.Configuration;

/** A sweep directory as a run would have left it: one cell finished, one failed, one still planned. */
public final class StoredSweep {
    private static final Instant NOW = Instant.parse("2026-01-02T03:04:05Z");

    private StoredSweep() {}

    /** As a driver leaves it that was killed while it trained one of two cells. */
    public static void writeRunning(Path root) throws Exception {
        Configuration configuration = new Configuration();
        SweepDirectory directory = SweepDirectory.at(root.toString(), configuration);
        Storage storage = Storage.of(directory.root(), configuration);
        SweepPlan plan = Sweeps.plan(Sweeps.POLICY, Sweeps.cell(1, 2, Trouble.NONE), Sweeps.cell(2, 2, Trouble.NONE));
        try (Ledger ledger = Ledger.open(storage, directory, "app", "test", Lease.Timing.DEFAULT, Optional::empty)) {
            List<LedgerEvent> events = submitted(plan, NOW);
            events.add(new LedgerEvent.Running(
                    NOW, plan.cells().get(0).gridCell().cell().id(), 1, 0));
            ledger.append(events).join();
        }
    }

    public static void write(Path root) throws Exception {
        Configuration configuration = new Configuration();
        SweepDirectory directory = SweepDirectory.at(root.toString(), configuration);
        Storage storage = Storage.of(directory.root(), configuration);
        SweepPlan plan = Sweeps.plan(
                Sweeps.POLICY,
                Sweeps.cell(1, 2, Trouble.NONE),
                Sweeps.cell(2, 2, Trouble.HAS_A_BUG),
                Sweeps.cell(3, 2, Trouble.NONE));
        try (Ledger ledger = Ledger.open(storage, directory, "app", "test", Lease.Timing.DEFAULT, Optional::empty)) {
            List<LedgerEvent> events = submitted(plan, NOW);
            String finished = plan.cells().get(0).gridCell().cell().id();
            String failed = plan.cells().get(1).gridCell().cell().id();
            events.add(new LedgerEvent.Running(NOW, finished, 1, 0));
            events.add(new LedgerEvent.Running(NOW, failed, 1, 0));
            AttemptReport done = report(finished, new Outcome.Finished(Reports.result(finished, 2)), 2);
            events.add(new LedgerEvent.Ended(NOW, done));
            events.add(new LedgerEvent.Ended(
                    NOW, report(failed, Outcome.failed(FailureClass.BUG, "index 3 out of bounds", ""), 0)));
            ledger.append(events).join();
            CellStore store = CellStore.open(storage, directory, finished, 1, 0);
            store.commit(
                    Optional.empty(),
                    2,
                    List.of(
                            new StepRow(
                                    finished, 1, 1, 128, 5, 1e-3, 1, OptionalDouble.empty(), OptionalDouble.of(1), 1),
                            new StepRow(
                                    finished, 1, 2, 256, 4, 1e-3, 1, OptionalDouble.empty(), OptionalDouble.of(1), 1)),
                    List.of(new EvalRow(finished, 1, 2, 256, "validation", 4.1, 0.1, 5.9, 100, 1)),
                    Optional.of(done));
        }
        CellsTable.write(storage, directory, CellsTable.rows(LedgerReader.open(directory, configuration)));
    }

    private static List<LedgerEvent> submitted(SweepPlan plan, Instant now) {
        List<LedgerEvent> events = new ArrayList<>();
        events.add(new LedgerEvent.Submitted(now, plan.name(), plan.corpusHash(), plan.specification(), plan.policy()));
        for (PlannedCell cell : plan.cells()) {
            events.add(new LedgerEvent.Planned(
                    now, cell.gridCell().name(), cell.gridCell().cell(), 1, 1 << 20));
        }
        return events;
    }

    private static AttemptReport report(String cell, Outcome outcome, long step) {
        return Reports.report(cell, 1, outcome, step, 1, 8, "host", Instant.parse("2026-01-02T03:04:06Z"));
    }
}
