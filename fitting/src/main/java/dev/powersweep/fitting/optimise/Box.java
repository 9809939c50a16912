package dev.powersweep.fitting.optimise;

import java.util.Arrays;

/**
 * Bounds on internal parameters.
 *
 * @param low lower bounds, −∞ where there is none
 * @param high upper bounds, +∞ where there is none
 */
public record Box(double[] low, double[] high) {
    /** No bounds at all. */
    public static Box free(int dimension) {
        double[] low = new double[dimension];
        double[] high = new double[dimension];
        Arrays.fill(low, Double.NEGATIVE_INFINITY);
        Arrays.fill(high, Double.POSITIVE_INFINITY);
        return new Box(low, high);
    }

    double clamp(int j, double value) {
        return Math.min(high[j], Math.max(low[j], value));
    }

    /** Whether the parameter lies on one of its bounds. */
    public boolean atBound(int j, double value) {
        return value <= low[j] || value >= high[j];
    }
}
