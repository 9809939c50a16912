package dev.powersweep.orchestrator.view;

import dev.powersweep.orchestrator.view.SweepEvent.CellChange;
import dev.powersweep.orchestrator.view.SweepEvent.CellPlan;
import dev.powersweep.orchestrator.view.SweepEvent.Measurement;
import dev.powersweep.worker.cell.CellState;
import java.util.Optional;

/**
 * A cell as of now.
 *
 * @param change the newest; empty for a cell that was never begun
 * @param measurement of a cell in training
 * @param curveTokens tokens seen, of the training curve as far as this run saw it
 * @param curveLoss nats/token
 */
public record CellView(
        CellPlan plan,
        Optional<CellChange> change,
        Optional<Measurement> measurement,
        double[] curveTokens,
        double[] curveLoss) {

    /** The same cell when no driver lives any more: one that was training is interrupted. */
    public CellView afterTheEnd() {
        return state() == CellState.RUNNING
                ? new CellView(
                        plan,
                        change.map(each -> each.in(CellState.INTERRUPTED)),
                        Optional.empty(),
                        curveTokens,
                        curveLoss)
                : this;
    }

    /** The same cell with another curve. */
    public CellView with(double[] tokens, double[] loss) {
        return new CellView(plan, change, measurement, tokens, loss);
    }

    public CellState state() {
        return change.map(value -> CellState.valueOf(value.state())).orElse(CellState.PLANNED);
    }

    public int attempt() {
        return change.map(CellChange::attempt).orElse(0);
    }

    /** Steps done: seen of a running cell, stored of any other. */
    public long step() {
        return Math.max(
                measurement.map(Measurement::step).orElse(0L),
                change.map(CellChange::step).orElse(0L));
    }

    /** Share of the steps done. */
    public double progress() {
        return state() == CellState.FINISHED ? 1 : (double) step() / Math.max(1, plan.steps());
    }

    /** Validation loss at the end, nats/token; NaN before. */
    public double loss() {
        return change.map(CellChange::loss).orElse(Double.NaN);
    }

    /** The newest loss there is of it, nats/token; NaN before the first. */
    public double newestLoss() {
        double end = loss();
        return Double.isFinite(end)
                ? end
                : measurement
                        .map(Measurement::loss)
                        .orElse(curveLoss.length == 0 ? Double.NaN : curveLoss[curveLoss.length - 1]);
    }

    /** Of a running cell now, of another one in its last attempt; NaN where it is not known. */
    public double tokensPerSecond() {
        return measurement
                .map(Measurement::tokensPerSecond)
                .or(() -> change.map(CellChange::tokensPerSecond))
                .orElse(Double.NaN);
    }

    public String host() {
        return measurement
                .map(Measurement::host)
                .or(() -> change.map(CellChange::host))
                .orElse("");
    }
}
