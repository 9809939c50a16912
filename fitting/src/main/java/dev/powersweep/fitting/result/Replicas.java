package dev.powersweep.fitting.result;

import java.io.Serializable;
import java.util.Arrays;
import java.util.List;
import org.hipparchus.special.Erf;

/**
 * The parameters of every bootstrap refit, jointly: whatever follows from the parameters has its interval from these.
 *
 * @param names of the parameters, in order
 * @param values [refit][parameter]
 */
public record Replicas(List<String> names, double[][] values) implements Serializable {
    /** Bias of the middle, in standard deviations, beyond which numbers are not about the estimate. */
    private static final double MOST_BIAS = 0.5;

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
     * The interval of numbers that scatter about an estimate but not evenly, with the bias of their middle taken out (Efron 1987,
     * the BC interval): with {@code z0 = Φ⁻¹(share of the numbers below the estimate)} its ends are the quantiles {@code Φ(2·z0 ±
     * z)} instead of {@code Φ(±z)}.
     *
     * <p>Where {@code |z0|} is beyond a half, the numbers are not about the estimate at all, as at a bound or with rival minima;
     * then the interval is the one with {@code z0 = ±½} and the central one together.
     *
     * @return low and high end, NaN for fewer than ten numbers
     */
    public static double[] interval(double[] numbers, double estimate, double confidence) {
        double[] sorted =
                Arrays.stream(numbers).filter(x -> !Double.isNaN(x)).sorted().toArray();
        double[] central = interval(sorted, confidence);
        if (Double.isNaN(central[0]) || Double.isNaN(estimate)) {
            return central;
        }
        double below = 0;
        for (double number : sorted) {
            below += number < estimate ? 1 : number == estimate ? 0.5 : 0;
        }
        double bias = normalQuantile((below + 0.5) / (sorted.length + 1));
        double z = normalQuantile(0.5 + confidence / 2);
        double taken = Math.max(-MOST_BIAS, Math.min(MOST_BIAS, bias));
        double low = end(sorted, normalShare(2 * taken - z));
        double high = end(sorted, normalShare(2 * taken + z));
        return bias == taken
                ? new double[] {low, high}
                : new double[] {Math.min(low, central[0]), Math.max(high, central[1])};
    }

    private static double normalQuantile(double share) {
        return Math.sqrt(2) * Erf.erfInv(2 * share - 1);
    }

    private static double normalShare(double z) {
        return 0.5 * Erf.erfc(-z / Math.sqrt(2));
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
