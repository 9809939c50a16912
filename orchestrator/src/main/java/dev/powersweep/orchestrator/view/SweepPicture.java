package dev.powersweep.orchestrator.view;

import dev.powersweep.orchestrator.view.SweepEvent.CellChange;
import dev.powersweep.orchestrator.view.SweepEvent.Totals;
import dev.powersweep.worker.cell.CellState;
import java.util.Comparator;
import java.util.EnumMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;

/**
 * All that a page shows of a sweep, at one moment.
 *
 * @param scope what elapsed time, tokens and throughput are of
 * @param cells in the order of the plan
 * @param failures failed attempts by class
 * @param failed of each class the newest failed attempts, newest first
 * @param closed present where no run goes on
 * @param notice a sentence for the head of the page; empty for none
 * @param refresh how often a page is to be brought up to date
 */
public record SweepPicture(
        SweepEvent.Opened opened,
        Scope scope,
        List<CellView> cells,
        Map<String, Integer> failures,
        Map<String, List<CellChange>> failed,
        Optional<Totals> totals,
        Throughput throughput,
        Optional<SweepEvent.Fitted> fitted,
        Optional<SweepEvent.Closed> closed,
        String notice,
        Refresh refresh,
        long updatedMillis) {
    /** A living driver writes to its event log once a minute. */
    static final long SILENCE_MILLIS = 5 * 60_000;

    /** What is summed up. */
    public enum Scope {
        /** What one driver did. */
        THIS_RUN,
        /** What all drivers of a directory did, the pauses between them left out. */
        ALL_RUNS
    }

    /** How often a page is to be brought up to date. */
    public enum Refresh {
        /** Something of the page is on its way. */
        SOON,
        OFTEN,
        SELDOM,
        NEVER
    }

    /**
     * How fast the sweep went.
     *
     * @param seconds of the scope
     * @param rates tokens/s of all cells together
     */
    public record Throughput(double[] seconds, double[] rates) {}

    /** As a board tells it of the run that it follows. */
    static SweepPicture ofARun(
            SweepEvent.Opened opened,
            List<CellView> cells,
            Map<String, Integer> failures,
            Map<String, List<CellChange>> failed,
            Optional<Totals> totals,
            Throughput throughput,
            Optional<SweepEvent.Fitted> fitted,
            Optional<SweepEvent.Closed> closed,
            long updatedMillis) {
        return new SweepPicture(
                opened,
                Scope.THIS_RUN,
                cells,
                failures,
                failed,
                totals,
                throughput,
                fitted,
                closed,
                closed.map(SweepEvent.Closed::reason)
                        .filter(reason -> !reason.isEmpty())
                        .map(reason -> "The sweep was stopped: " + reason)
                        .orElse(""),
                closed.isEmpty() ? Refresh.OFTEN : Refresh.NEVER,
                updatedMillis);
    }

    /** Every state with the number of its cells, zeros included. */
    public Map<CellState, Integer> states() {
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
        return ofARun(
                opened,
                cells.stream().map(CellView::afterTheEnd).toList(),
                failures,
                failed,
                totals,
                throughput,
                fitted,
                Optional.of(end),
                updatedMillis);
    }

    /** The same with other cells. */
    public SweepPicture with(List<CellView> others) {
        return with(others, notice, refresh);
    }

    /** The same with another sentence at its head. */
    public SweepPicture noticed(String sentence) {
        return with(cells, sentence, refresh);
    }

    /** The same, brought up to date so often. */
    public SweepPicture refreshed(Refresh often) {
        return with(cells, notice, often);
    }

    private SweepPicture with(List<CellView> others, String sentence, Refresh often) {
        return new SweepPicture(
                opened,
                scope,
                others,
                failures,
                failed,
                totals,
                throughput,
                fitted,
                closed,
                sentence,
                often,
                updatedMillis);
    }

    /** Cells whose curves the sweep's page would show if all that were begun had one. */
    public List<CellView> curvesWanted() {
        return LossCurves.wanted(this);
    }

    /** The cell of this identity or this name. */
    public Optional<CellView> cell(String idOrName) {
        return cells.stream()
                .filter(cell ->
                        cell.plan().id().equals(idOrName) || cell.plan().name().equals(idOrName))
                .findFirst();
    }

    /** Cells that can train at once, as last told; 0 where that is not known. */
    int slots() {
        return totals.map(Totals::slots).orElse(opened.slots());
    }

    /** Cells in training, those furthest from their end first. */
    List<CellView> running() {
        return cells.stream()
                .filter(cell -> cell.state() == CellState.RUNNING)
                .sorted(Comparator.comparingDouble(CellView::progress))
                .toList();
    }
}
