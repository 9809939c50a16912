package dev.powersweep.fitting.batch;

import java.util.Arrays;
import java.util.Comparator;
import java.util.OptionalDouble;

/**
 * The data that one model size at one batch size needs to reach a level of loss, read off <em>finished</em> runs of several
 * data sizes, each with a schedule of its own: intermediate points of a run whose learning rate still has to fall say
 * nothing about a run of that length.
 *
 * <p>Between runs ln L is taken as straight in ln D; nothing is extrapolated. Seeds of the same D are averaged. A curve that
 * rises somewhere (noise, divergence, overfitting) is crossed at the smallest D that reaches the level.
 */
public final class DataToLoss {
    private final double[] logData;
    private final double[] logLoss;

    /**
     * @param data tokens of each run
     * @param loss final loss of each run
     */
    public DataToLoss(double[] data, double[] loss) {
        Integer[] order = new Integer[data.length];
        Arrays.setAll(order, i -> i);
        Arrays.sort(order, Comparator.comparingDouble(i -> data[i]));
        double[] x = new double[data.length];
        double[] y = new double[data.length];
        int size = 0;
        int seeds = 0;
        for (int i : order) {
            if (size > 0 && data[i] <= Math.exp(x[size - 1]) * (1 + 1e-9)) {
                seeds++;
                y[size - 1] += (Math.log(loss[i]) - y[size - 1]) / seeds;
            } else {
                x[size] = Math.log(data[i]);
                y[size] = Math.log(loss[i]);
                size++;
                seeds = 1;
            }
        }
        logData = Arrays.copyOf(x, size);
        logLoss = Arrays.copyOf(y, size);
    }

    /** How many data sizes there are. */
    public int sizes() {
        return logData.length;
    }

    /** The loss of the smallest data size. */
    public double highest() {
        return Math.exp(logLoss[0]);
    }

    /** The lowest loss reached. */
    public double lowest() {
        return Math.exp(Arrays.stream(logLoss).min().orElseThrow());
    }

    /** Tokens to a level of loss; empty outside the measured range. */
    public OptionalDouble tokens(double level) {
        double target = Math.log(level);
        for (int i = 0; i + 1 < logData.length; i++) {
            if (logLoss[i] >= target && logLoss[i + 1] <= target && logLoss[i] > logLoss[i + 1]) {
                double share = (logLoss[i] - target) / (logLoss[i] - logLoss[i + 1]);
                return OptionalDouble.of(Math.exp(logData[i] + share * (logData[i + 1] - logData[i])));
            }
        }
        return OptionalDouble.empty();
    }
}
