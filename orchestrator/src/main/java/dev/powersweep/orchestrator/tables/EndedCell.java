package dev.powersweep.orchestrator.tables;

import dev.powersweep.orchestrator.dispatch.AttemptReport;
import dev.powersweep.orchestrator.dispatch.SweepState;
import dev.powersweep.worker.cell.CellState;
import java.util.List;
import java.util.Set;

/**
 * A cell with a result.
 *
 * @param id of the cell
 * @param name for people
 * @param steps whose rows have been stored
 */
public record EndedCell(String id, String name, long steps) {
    static final Set<CellState> STATES = Set.of(CellState.FINISHED, CellState.DIVERGED);

    /** All of a sweep, in the order they were planned. */
    static List<EndedCell> of(SweepState state) {
        return state.cells().stream()
                .filter(cell -> STATES.contains(cell.state()))
                .map(cell -> new EndedCell(
                        cell.cell().id(),
                        cell.name(),
                        cell.last().map(AttemptReport::step).orElse(0L)))
                .toList();
    }
}
