package dev.powersweep.fitting.batch;

import java.util.OptionalDouble;

/**
 * Steps that one run needs to reach a level of loss, read off its training curve. Valid for a constant learning rate only.
 */
public final class TrainingCurveSteps {
    private final double[] step;
    private final double[] loss;

    /**
     * @param step strictly increasing, positive
     * @param loss in nats, smoothed if noisy: the first crossing counts
     */
    public TrainingCurveSteps(double[] step, double[] loss) {
        this.step = step.clone();
        this.loss = loss.clone();
    }

    /** Loss at the first record. */
    public double highest() {
        return loss[0];
    }

    /** The lowest loss of the curve. */
    public double lowest() {
        double lowest = loss[0];
        for (double value : loss) {
            lowest = Math.min(lowest, value);
        }
        return lowest;
    }

    /** The step at which the curve first falls to the level, straight lines of L on ln S; empty outside its range. */
    public OptionalDouble steps(double level) {
        for (int i = 1; i < step.length; i++) {
            if (loss[i - 1] >= level && loss[i] <= level && loss[i - 1] > loss[i]) {
                double share = (loss[i - 1] - level) / (loss[i - 1] - loss[i]);
                return OptionalDouble.of(step[i - 1] * Math.pow(step[i] / step[i - 1], share));
            }
        }
        return OptionalDouble.empty();
    }
}
