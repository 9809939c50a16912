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
    /** A living driver writes to its event log once a minute. */
    static final long SILENCE_MILLIS = 5 * 60_000;

    /** Every state with the number of its cells, zeros included. */
    Map<CellState, Integer> states() {
        Map<CellState, Integer> states = new EnumMap<>(CellState.class);
        for (CellState state : CellState.values()) {
            states.put(state, 0);
        }
        cells.forEach(cell -> states.merge(cell.state(), 1, Integer::sum));
        return states;
    }

    /**
     * As an event log tells it, which ends without a word when its driver is killed: from a driver that was silent for
     * {@value #SILENCE_MILLIS} ms nothing more is to come, and no cell trains after the end.
     */
    SweepPicture fromTheLog(long nowMillis) {
        boolean silent = closed.isEmpty() && nowMillis - updatedMillis > SILENCE_MILLIS;
        if (closed.isEmpty() && !silent) {
            return this;
        }
        SweepEvent.Closed end = closed.orElseGet(() -> new SweepEvent.Closed(
                "the driver's event log ends here without the end of the run, as when a driver is killed",
                totals.orElse(new Totals(0, 0, Double.NaN, 0, 0, updatedMillis))));
        return new SweepPicture(
                opened,
                cells.stream().map(CellView::afterTheEnd).toList(),
                failures,
                failed,
                totals,
                throughputSeconds,
                throughputRates,
                fitted,
                Optional.of(end),
                updatedMillis);
    }

    /** Cells that can train at once, as last told. */
    int slots() {
        return totals.map(Totals::slots).orElse(opened.slots());
    }

    /** Cells in training, those furthest from their end first. */
    List<CellView> running() {
        return cells.stream()
                .filter(cell -> cell.state() == CellState.RUNNING)
                .sorted(java.util.Comparator.comparingDouble(CellView::progress))
                .toList();
    }
}
