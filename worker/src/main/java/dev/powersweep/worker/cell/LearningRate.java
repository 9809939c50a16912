package dev.powersweep.worker.cell;

import java.util.Optional;

/**
 * A cell's learning rate by step.
 *
 * @param peak rate after warm-up
 * @param warmupSteps steps of linear warm-up from 0
 * @param schedule what follows
 * @param steps of the whole run
 * @param batchWarmup whose stages have factors of their own
 * @param branch after which the rate is constant, at another height
 */
public record LearningRate(
        double peak,
        long warmupSteps,
        Schedule schedule,
        long steps,
        Optional<BatchWarmup> batchWarmup,
        Optional<Branch> branch) {

    public static LearningRate of(TrainingRule rule, DataRule data) {
        return new LearningRate(
                rule.peakLearningRate(),
                rule.warmupSteps(),
                rule.schedule(),
                data.steps(),
                data.batchWarmup(),
                data.branch());
    }

    /**
     * During warm-up step t has t/warmupSteps of the schedule's rate.
     *
     * @param step 1 for the first step, {@code steps} for the last
     */
    public double at(long step) {
        double warmup = step < warmupSteps ? (double) step / warmupSteps : 1;
        if (branch.isPresent()) {
            // The trunk's own product, so that the steps before the branch are its bits.
            double ofTrunk = peak * warmup;
            return step <= branch.get().steps()
                    ? ofTrunk
                    : ofTrunk * branch.get().rateFactor();
        }
        double rate = peak * warmup * factor(step);
        return batchWarmup.isEmpty() ? rate : rate * batchWarmup.get().rateFactor(step);
    }

    private double factor(long step) {
        double span = Math.max(1, steps - warmupSteps);
        double progress = Math.min(1, Math.max(0, (step - warmupSteps) / span));
        if (schedule instanceof Schedule.Cosine cosine) {
            double wave = (1 + StrictMath.cos(Math.PI * progress)) / 2;
            return cosine.finalFraction() + (1 - cosine.finalFraction()) * wave;
        }
        if (schedule instanceof Schedule.Linear linear) {
            return 1 - (1 - linear.finalFraction()) * progress;
        }
        long length = schedule.cooldownSteps(steps);
        if (length > 0) {
            long done = step - 1 - (steps - length);
            return done <= 0 ? 1 : 1 - Math.sqrt(Math.min(1, (double) done / length));
        }
        return 1;
    }
}
