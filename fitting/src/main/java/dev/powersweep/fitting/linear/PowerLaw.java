package dev.powersweep.fitting.linear;

import java.util.Arrays;
import java.util.Optional;

/**
 * y = coefficient · x^exponent, fitted by ordinary least squares of ln y on ln x.
 *
 * @param coefficient e^intercept, in the unit of y when x = 1
 * @param exponent the slope in logarithms
 * @param exponentStandardError NaN with two points
 * @param logResidualDeviation standard deviation of the residuals of ln y; NaN with two points
 * @param rSquared share of the variance of ln y that the line explains
 * @param meanLogX the centre of the data, where the line is known best
 * @param points how many points were fitted
 */
public record PowerLaw(
        double coefficient,
        double exponent,
        double exponentStandardError,
        double logResidualDeviation,
        double rSquared,
        double meanLogX,
        int points) {

    /** Fits the line through points of equal weight. */
    public static Optional<PowerLaw> fit(double[] x, double[] y) {
        double[] ones = new double[x.length];
        Arrays.fill(ones, 1);
        return fit(x, y, ones);
    }

    /**
     * Fits the line through centred logarithms, so that the unit of x does not matter.
     *
     * @param x positive values
     * @param y positive values
     * @param weights above zero; only their ratios matter
     * @return empty with fewer than two different x
     */
    public static Optional<PowerLaw> fit(double[] x, double[] y, double[] weights) {
        int n = x.length;
        if (n < 2) {
            return Optional.empty();
        }
        double[] share = weights.clone();
        double total = Arrays.stream(weights).sum();
        for (int i = 0; i < n; i++) {
            share[i] /= total;
        }
        double meanX = 0;
        double meanY = 0;
        for (int i = 0; i < n; i++) {
            meanX += Math.log(x[i]) * share[i];
            meanY += Math.log(y[i]) * share[i];
        }
        double xx = 0;
        double xy = 0;
        double yy = 0;
        for (int i = 0; i < n; i++) {
            double dx = Math.log(x[i]) - meanX;
            double dy = Math.log(y[i]) - meanY;
            xx += n * share[i] * dx * dx;
            xy += n * share[i] * dx * dy;
            yy += n * share[i] * dy * dy;
        }
        if (!(xx > 1e-20 * n * Math.max(1, meanX * meanX))) {
            return Optional.empty();
        }
        double slope = xy / xx;
        double residual = 0;
        for (int i = 0; i < n; i++) {
            double r = Math.log(y[i]) - meanY - slope * (Math.log(x[i]) - meanX);
            residual += n * share[i] * r * r;
        }
        double variance = n > 2 ? residual / (n - 2) : Double.NaN;
        return Optional.of(new PowerLaw(
                Math.exp(meanY - slope * meanX),
                slope,
                Math.sqrt(variance / xx),
                Math.sqrt(variance),
                yy > 0 ? 1 - residual / yy : 1,
                meanX,
                n));
    }

    /** The value of the law. */
    public double at(double x) {
        return coefficient * Math.pow(x, exponent);
    }

    /** The x at which the law takes a value. */
    public double inverse(double y) {
        return Math.exp((Math.log(y) - Math.log(coefficient)) / exponent);
    }
}
