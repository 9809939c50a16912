package dev.powersweep.fitting;

import java.io.Serializable;
import java.util.Arrays;
import java.util.List;

/**
 * The parameters of every bootstrap refit, jointly: whatever follows from the parameters has its interval from these.
 *
 * @param names of the parameters, in order
 * @param values [refit][parameter]
 */
public record Replicas(List<String> names, double[][] values) implements Serializable {
    /** No refits. */
    public static Replicas none(List<String> names) {
        return new Replicas(List.copyOf(names), new double[0][]);
    }

    /** Number of refits. */
    public int size() {
        return values.length;
    }

    /**
     * The central interval of numbers that may be in any order; NaN counts for nothing.
     *
     * @return low and high quantile, NaN for fewer than ten numbers
     */
    public static double[] interval(double[] numbers, double confidence) {
        double[] sorted =
                Arrays.stream(numbers).filter(x -> !Double.isNaN(x)).sorted().toArray();
        if (sorted.length < 10) {
            return new double[] {Double.NaN, Double.NaN};
        }
        double tail = (1 - confidence) / 2;
        return new double[] {end(sorted, tail), end(sorted, 1 - tail)};
    }

    /**
     * The number that one more draw would fall below with probability q: of K draws the (K + 1)q-th. The plain quantile of few
     * draws lies too far inside.
     */
    private static double end(double[] sorted, double q) {
        double at = Math.min(sorted.length - 1, Math.max(0, q * (sorted.length + 1) - 1));
        return quantile(sorted, at / (sorted.length - 1));
    }

    /** Linear interpolation between order statistics. */
    public static double quantile(double[] sorted, double q) {
        double at = q * (sorted.length - 1);
        int below = (int) Math.floor(at);
        if (below + 1 >= sorted.length) {
            return sorted[sorted.length - 1];
        }
        double part = at - below;
        return part == 0 ? sorted[below] : sorted[below] * (1 - part) + sorted[below + 1] * part;
    }
}
