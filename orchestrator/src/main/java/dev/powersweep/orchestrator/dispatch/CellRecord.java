package dev.powersweep.orchestrator.dispatch;

import dev.powersweep.orchestrator.dispatch.LedgerEvent.Beginning;
import dev.powersweep.orchestrator.grid.GridCell;
import dev.powersweep.orchestrator.plan.PlannedCell;
import dev.powersweep.worker.cell.Cell;
import dev.powersweep.worker.cell.CellState;
import dev.powersweep.worker.cell.FailureClass;
import java.util.EnumMap;
import java.util.Map;
import java.util.Optional;

/**
 * What the ledger says of one cell.
 *
 * @param attempts begun, ever; the number of the newest one
 * @param microBatchSequences of the newest attempt as it was ordered; 0 for the trainer's choice
 * @param failures per class since the cell was planned or asked for again
 * @param generation how often a user asked for the cell afresh; stored results of an older generation are void
 * @param last report, of the attempt before a running one; empty before the first ended
 */
public record CellRecord(
        PlannedCell planned,
        CellState state,
        int attempts,
        int microBatchSequences,
        Map<FailureClass, Integer> failures,
        int generation,
        Optional<AttemptReport> last) {
    public CellRecord {
        failures = Map.copyOf(failures);
    }

    static CellRecord of(PlannedCell planned) {
        return new CellRecord(planned, CellState.PLANNED, 0, 0, Map.of(), 0, Optional.empty());
    }

    public Cell cell() {
        return planned.gridCell().cell();
    }

    public GridCell gridCell() {
        return planned.gridCell();
    }

    public String name() {
        return planned.gridCell().name();
    }

    CellRecord replanned(PlannedCell newer) {
        return new CellRecord(newer, state, attempts, microBatchSequences, failures, generation, last);
    }

    CellRecord running(int attempt, int microBatch) {
        return new CellRecord(planned, CellState.RUNNING, attempt, microBatch, failures, generation, last);
    }

    CellRecord ended(AttemptReport report) {
        Map<FailureClass, Integer> counted = new EnumMap<>(FailureClass.class);
        counted.putAll(failures);
        report.failure().ifPresent(failure -> counted.merge(failure, 1, Integer::sum));
        return new CellRecord(
                planned, report.state(), attempts, microBatchSequences, counted, generation, Optional.of(report));
    }

    CellRecord requested(Beginning next) {
        int newest =
                switch (next) {
                    case RESUME -> generation;
                    case AFRESH -> generation + 1;
                };
        return new CellRecord(planned, CellState.PLANNED, attempts, 0, Map.of(), newest, last);
    }
}
