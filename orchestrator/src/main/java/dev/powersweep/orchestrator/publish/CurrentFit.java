package dev.powersweep.orchestrator.publish;

import dev.powersweep.fitting.result.FitOptions;
import dev.powersweep.orchestrator.dispatch.CellRecord;
import dev.powersweep.orchestrator.dispatch.SweepState;
import dev.powersweep.orchestrator.fits.FitSet;
import dev.powersweep.orchestrator.fits.FitsText;
import dev.powersweep.orchestrator.fits.SweepFitter;
import dev.powersweep.orchestrator.results.CellResult;
import dev.powersweep.orchestrator.results.SweepResults;
import dev.powersweep.orchestrator.results.VariedSettings;
import dev.powersweep.orchestrator.tables.CellsTable;
import dev.powersweep.orchestrator.view.SweepEvent;
import dev.powersweep.worker.cell.CellState;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.function.Consumer;
import org.apache.logging.log4j.LogManager;
import org.apache.logging.log4j.Logger;

/**
 * The laws as the cells that have finished so far give them, fitted anew as more finish: without intervals, on one
 * thread, and so seldom that it takes a small share of the time. What counts is fitted at the end of a run.
 */
public final class CurrentFit {
    private static final Logger LOG = LogManager.getLogger(CurrentFit.class);
    private static final List<String> LAWS = List.of("chinchilla", "kaplan-nd");
    private static final int FEWEST = 4;
    /** Cells that have to finish before the next fit, relative to those of the last one. */
    private static final double GROWTH = 1.1;
    /** Of the time since the run began that fits may take. */
    private static final double SHARE = 0.05;

    private static final long LAST_FIT_MILLIS = 5000;

    private final Consumer<SweepEvent> sink;
    private Thread working = new Thread();
    private int fittedCells;
    private long lastBegan;
    private volatile long lastTook;

    /** @param sink is told of each fit, from another thread */
    public CurrentFit(Consumer<SweepEvent> sink) {
        this.sink = sink;
    }

    /** Fits if it is worth while; comes back at once. */
    public void offer(SweepState state) {
        int finished = state.count(CellState.FINISHED);
        boolean due = finished >= FEWEST
                && finished >= Math.max(fittedCells + 1, GROWTH * fittedCells)
                && System.nanoTime() - lastBegan > lastTook / SHARE;
        if (due && !working.isAlive()) {
            begin(state, finished);
        }
    }

    /** Fits what has finished since, where no cell trains any more; comes back at once. */
    public void offerLast(SweepState state) {
        int finished = state.count(CellState.FINISHED);
        if (finished >= FEWEST && finished > fittedCells && !working.isAlive()) {
            begin(state, finished);
        }
    }

    /** Whether a fit is on its way. */
    public boolean isFitting() {
        return working.isAlive();
    }

    /** Fits what has finished since; waits a few seconds for it. */
    void finish(SweepState state) {
        try {
            working.join(LAST_FIT_MILLIS);
            offerLast(state);
            working.join(LAST_FIT_MILLIS);
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
        }
    }

    private void begin(SweepState state, int finished) {
        SweepResults results = results(state);
        fittedCells = finished;
        lastBegan = System.nanoTime();
        working = new Thread(() -> fit(results), "current-fit");
        working.setDaemon(true);
        working.setPriority(Thread.MIN_PRIORITY);
        working.start();
    }

    private void fit(SweepResults results) {
        long began = System.nanoTime();
        try {
            FitSet fits = SweepFitter.fit(results, LAWS, FitOptions.defaults().threads(1));
            List<SweepEvent.Law> laws = new ArrayList<>();
            fits.fitted().forEach(fitted -> laws.add(law(fitted)));
            fits.refused()
                    .forEach(refused -> laws.add(
                            new SweepEvent.Law(refused.law(), refused.title(), "", 0, List.of(), refused.sentence())));
            sink.accept(new SweepEvent.Fitted(results.usable().size(), laws, System.currentTimeMillis()));
        } catch (RuntimeException e) {
            LOG.warn("the laws of the cells so far could not be fitted: {}", e.toString());
        } finally {
            lastTook = System.nanoTime() - began;
        }
    }

    private static SweepEvent.Law law(FitSet.Fitted fitted) {
        List<SweepEvent.Estimate> estimates = new ArrayList<>();
        fitted.result()
                .parameters()
                .forEach((name, estimate) ->
                        estimates.add(new SweepEvent.Estimate(name, estimate.value(), estimate.unit())));
        FitsText.derived(fitted.result())
                .forEach((name, estimate) ->
                        estimates.add(new SweepEvent.Estimate(name, estimate.value(), estimate.unit())));
        return new SweepEvent.Law(
                fitted.law(),
                fitted.title(),
                fitted.result().formula(),
                fitted.result().rows(),
                estimates,
                "");
    }

    private static SweepResults results(SweepState state) {
        List<CellRecord> finished = state.cells().stream()
                .filter(cell -> cell.state() == CellState.FINISHED)
                // The loss of a branch compares with that of other branches alone.
                .filter(cell -> cell.cell().data().branch().isEmpty())
                .toList();
        Map<String, Map<String, String>> settings =
                VariedSettings.of(finished.stream().map(CellRecord::cell).toList());
        return new SweepResults(
                state.submitted().orElseThrow().sweep(),
                "the sweep",
                Optional.empty(),
                finished.stream()
                        .map(cell -> CellResult.of(
                                CellsTable.row(state, cell),
                                settings.get(cell.cell().id())))
                        .toList(),
                List.of(),
                List.of(),
                List.of(),
                Map.of());
    }
}
