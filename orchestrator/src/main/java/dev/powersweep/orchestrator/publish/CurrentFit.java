package dev.powersweep.orchestrator.publish;

import dev.powersweep.fitting.result.FitOptions;
import dev.powersweep.orchestrator.dispatch.AttemptReport;
import dev.powersweep.orchestrator.dispatch.CellRecord;
import dev.powersweep.orchestrator.dispatch.SweepState;
import dev.powersweep.orchestrator.fits.FitSet;
import dev.powersweep.orchestrator.fits.FitsText;
import dev.powersweep.orchestrator.fits.SweepFitter;
import dev.powersweep.orchestrator.results.CellResult;
import dev.powersweep.orchestrator.results.SweepResults;
import dev.powersweep.orchestrator.view.SweepEvent;
import dev.powersweep.worker.cell.Cell;
import dev.powersweep.worker.cell.CellState;
import dev.powersweep.worker.cell.Frame;
import dev.powersweep.worker.cell.ModelCounts;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.OptionalDouble;
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

    /** The finished cells, with the numbers that laws of ends need and no others. */
    private static SweepResults results(SweepState state) {
        List<CellResult> cells = new ArrayList<>();
        for (CellRecord record : state.cells()) {
            Optional<Frame.Finished> finished = record.state() == CellState.FINISHED
                    ? record.last().flatMap(AttemptReport::result)
                    : Optional.empty();
            finished.ifPresent(result -> cells.add(cell(record, result, state.size(record.cell()))));
        }
        return new SweepResults(
                state.submitted().orElseThrow().sweep(),
                "the sweep",
                Optional.empty(),
                cells,
                List.of(),
                List.of(),
                List.of(),
                Map.of());
    }

    private static CellResult cell(CellRecord record, Frame.Finished finished, ModelCounts size) {
        Cell cell = record.cell();
        Optional<Frame.Evaluation> evaluation =
                finished.finalEvaluations().stream().findFirst();
        return new CellResult(
                cell.id(),
                record.name(),
                record.state(),
                Optional.empty(),
                record.attempts(),
                size.n(),
                size.total().isPresent() ? size.total().getAsLong() : Double.NaN,
                cell.tokens(),
                (double) finished.step() * cell.batchTokens(),
                cell.data().uniqueTokens(),
                cell.batchTokens(),
                size.kaplanFlops(cell.tokens()).orElse(Double.NaN),
                size.trainingFlops(cell.tokens()).orElse(Double.NaN),
                cell.seed(),
                cell.training().peakLearningRate(),
                "",
                cell.training().warmupSteps(),
                number(evaluation.map(Frame.Evaluation::loss)),
                number(evaluation.map(Frame.Evaluation::standardError)),
                OptionalDouble.empty(),
                OptionalDouble.of(finished.finalTrainingLoss()),
                OptionalDouble.of(finished.seconds()),
                OptionalDouble.empty(),
                finished.stoppedEarly(),
                Map.of());
    }

    private static OptionalDouble number(Optional<Double> value) {
        return value.filter(Double::isFinite).map(OptionalDouble::of).orElse(OptionalDouble.empty());
    }
}
