package dev.powersweep.orchestrator.view;

import dev.powersweep.orchestrator.view.SweepEvent.CellChange;
import dev.powersweep.orchestrator.view.SweepEvent.Totals;
import dev.powersweep.worker.cell.CellState;
import java.util.EnumMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;

/**
 * All that a page shows of a sweep, at one moment.
 *
 * @param cells in the order of the plan
 * @param failures failed attempts by class
 * @param failed of each class the newest failed attempts, newest first
 * @param throughputSeconds since the run began
 * @param throughputRates tokens/s of all cells together
 * @param closed present once the run has ended
 */
record SweepPicture(
        SweepEvent.Opened opened,
        List<CellView> cells,
        Map<String, Integer> failures,
        Map<String, List<CellChange>> failed,
        Optional<Totals> totals,
        double[] throughputSeconds,
        double[] throughputRates,
        Optional<SweepEvent.Fitted> fitted,
        Optional<SweepEvent.Closed> closed,
        long updatedMillis) {

    /** Every state with the number of its cells, zeros included. */
    Map<CellState, Integer> states() {
        Map<CellState, Integer> states = new EnumMap<>(CellState.class);
        for (CellState state : CellState.values()) {
            states.put(state, 0);
        }
        cells.forEach(cell -> states.merge(cell.state(), 1, Integer::sum));
        return states;
    }

    /** Cells in training, those furthest from their end first. */
    List<CellView> running() {
        return cells.stream()
                .filter(cell -> cell.state() == CellState.RUNNING)
                .sorted(java.util.Comparator.comparingDouble(CellView::progress))
                .toList();
    }
}
