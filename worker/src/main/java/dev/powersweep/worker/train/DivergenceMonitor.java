package dev.powersweep.worker.train;

import dev.powersweep.worker.cell.TrainingRule.Divergence;
import java.util.Locale;
import java.util.Optional;

/** Watches the loss of a run, on whatever engine it trains. */
public final class DivergenceMonitor {

    private final double bound;
    private final int windowSteps;
    private int stepsAboveBound;

    public DivergenceMonitor(Divergence rule, int vocabulary) {
        bound = Math.log(vocabulary) + rule.lossAboveInitial();
        windowSteps = rule.windowSteps();
    }

    /** Why the run has diverged with this step, if it has. */
    public Optional<String> check(StepRecord step) {
        if (!Double.isFinite(step.loss()) || !Double.isFinite(step.gradientNorm())) {
            return Optional.of(String.format(
                    Locale.ROOT,
                    "loss %s and gradient norm %s at step %d are not both finite",
                    step.loss(),
                    step.gradientNorm(),
                    step.step()));
        }
        stepsAboveBound = step.loss() > bound ? stepsAboveBound + 1 : 0;
        if (stepsAboveBound >= windowSteps) {
            return Optional.of(String.format(
                    Locale.ROOT,
                    "loss %.4f at step %d: above %.4f nats/token for %d steps",
                    step.loss(),
                    step.step(),
                    bound,
                    stepsAboveBound));
        }
        return Optional.empty();
    }

    /** Why a run has diverged whose last evaluation gave this loss, if it has. */
    public Optional<String> atEnd(double evaluationLoss) {
        if (!Double.isFinite(evaluationLoss)) {
            return Optional.of("evaluation loss is " + evaluationLoss);
        }
        if (evaluationLoss > bound) {
            return Optional.of(String.format(
                    Locale.ROOT,
                    "evaluation loss %.4f at the end of the run: above %.4f nats/token",
                    evaluationLoss,
                    bound));
        }
        return Optional.empty();
    }

    /** Consecutive steps whose loss was above the bound. */
    public int stepsAboveBound() {
        return stepsAboveBound;
    }

    /** Goes on where a run had so many {@linkplain #stepsAboveBound steps above its bound}. */
    public void restore(int steps) {
        stepsAboveBound = steps;
    }
}
