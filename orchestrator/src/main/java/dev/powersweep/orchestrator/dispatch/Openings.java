package dev.powersweep.orchestrator.dispatch;

import dev.powersweep.orchestrator.dispatch.LedgerEvent.Beginning;
import dev.powersweep.orchestrator.plan.PlannedCell;
import dev.powersweep.orchestrator.plan.SweepPlan;
import dev.powersweep.worker.cell.CellState;
import java.time.Instant;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import java.util.Set;

/** The events that bring a stored sweep to where a run begins. */
public final class Openings {
    private Openings() {}

    /** Of cells that a former driver left running: their ends will not be reported. */
    public static List<LedgerEvent> abandoned(SweepState state, Instant now) {
        return state.cells().stream()
                .filter(cell -> cell.state() == CellState.RUNNING)
                .<LedgerEvent>map(cell -> new LedgerEvent.Ended(
                        now,
                        AttemptReport.lost(cell.cell().id(), cell.attempts(), "the driver of this attempt ended", now)))
                .toList();
    }

    /** Of a plan: the submission, and the cells that are new or predicted anew. */
    public static List<LedgerEvent> submitted(SweepState state, SweepPlan plan, Instant now) {
        List<LedgerEvent> events = new ArrayList<>();
        events.add(new LedgerEvent.Submitted(now, plan.name(), plan.corpusHash(), plan.specification(), plan.policy()));
        for (PlannedCell cell : plan.cells()) {
            Optional<CellRecord> known = state.cell(cell.gridCell().cell().id());
            // What was predicted of a cell that has ended stays: it is not to be told in hindsight.
            PlannedCell planned = known.filter(record -> record.state().terminal())
                    .map(record -> new PlannedCell(
                            cell.gridCell(),
                            record.planned().predictedSeconds(),
                            record.planned().memoryBytes()))
                    .orElse(cell);
            if (known.isEmpty() || !known.get().planned().equals(planned)) {
                events.add(new LedgerEvent.Planned(
                        now,
                        planned.gridCell().name(),
                        planned.gridCell().cell(),
                        planned.predictedSeconds(),
                        planned.memoryBytes()));
            }
        }
        return events;
    }

    /**
     * Of a user's word: cells that failed go on from their checkpoints, those that finished or diverged are trained
     * afresh.
     *
     * @param wanted identities
     */
    public static List<LedgerEvent> requested(SweepState state, Set<String> wanted, Instant now) {
        List<LedgerEvent> events = new ArrayList<>();
        for (CellRecord cell : state.cells()) {
            String id = cell.cell().id();
            if (wanted.contains(id) && cell.state().terminal()) {
                events.add(new LedgerEvent.Requested(
                        now, id, cell.state() == CellState.FAILED ? Beginning.RESUME : Beginning.AFRESH));
            }
        }
        return events;
    }
}
