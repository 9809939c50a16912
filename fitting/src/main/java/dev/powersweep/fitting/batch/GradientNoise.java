package dev.powersweep.fitting.batch;

import java.util.Optional;
import java.util.OptionalDouble;

/**
 * The gradient noise scale B_simple = tr Σ/|G|² from gradient norms at two batch sizes (McCandlish et al. 2018,
 * arXiv 1812.06162, appendix A.1).
 *
 * <p>Each step gives unbiased estimates |G|² = (B_big|G_big|² − B_small|G_small|²)/(B_big − B_small) and
 * S = (|G_small|² − |G_big|²)/(1/B_small − 1/B_big). Both are averaged over the steps <em>before</em> dividing: the mean
 * of their ratio is biased and may not even exist, since the estimate of |G|² of a single step can be negative.
 *
 * @param traceOfCovariance mean of S, in squared gradient norm times batch unit
 * @param squaredGradient mean of |G|²; may be negative when too few steps were averaged
 * @param standardError of the noise scale by the jackknife over blocks of consecutive steps; NaN when undefined
 * @param steps how many steps were averaged
 * @param negativeShare share of steps whose own |G|² was negative
 */
public record GradientNoise(
        double traceOfCovariance, double squaredGradient, double standardError, int steps, double negativeShare) {

    private static final int BLOCKS = 20;

    /**
     * Averages over steps. The batch sizes may change from step to step.
     *
     * @param smallSquaredNorm |G_small|² per step
     * @param bigSquaredNorm |G_big|² per step
     * @param smallBatch B_small per step, in tokens
     * @param bigBatch B_big per step, in tokens
     * @return empty when there is no step or some step has B_big ≤ B_small
     */
    public static Optional<GradientNoise> average(
            double[] smallSquaredNorm, double[] bigSquaredNorm, double[] smallBatch, double[] bigBatch) {
        int n = smallSquaredNorm.length;
        if (n == 0) {
            return Optional.empty();
        }
        double[] s = new double[n];
        double[] g = new double[n];
        int negative = 0;
        for (int i = 0; i < n; i++) {
            if (!(bigBatch[i] > smallBatch[i]) || !(smallBatch[i] > 0)) {
                return Optional.empty();
            }
            g[i] = (bigBatch[i] * bigSquaredNorm[i] - smallBatch[i] * smallSquaredNorm[i])
                    / (bigBatch[i] - smallBatch[i]);
            s[i] = (smallSquaredNorm[i] - bigSquaredNorm[i]) / (1 / smallBatch[i] - 1 / bigBatch[i]);
            if (g[i] < 0) {
                negative++;
            }
        }
        double meanS = mean(s, 0, 0);
        double meanG = mean(g, 0, 0);
        return Optional.of(new GradientNoise(meanS, meanG, jackknife(s, g), n, (double) negative / n));
    }

    /** B_simple in tokens; empty when the averaged |G|² is not positive: average over more steps or enlarge B_big. */
    public OptionalDouble noiseScale() {
        return squaredGradient > 0 && traceOfCovariance >= 0
                ? OptionalDouble.of(traceOfCovariance / squaredGradient)
                : OptionalDouble.empty();
    }

    /** Blocks of consecutive steps, because neighbouring steps share parameters and so are not independent. */
    private static double jackknife(double[] s, double[] g) {
        int blocks = Math.min(BLOCKS, s.length);
        if (blocks < 2) {
            return Double.NaN;
        }
        double[] ratios = new double[blocks];
        double mean = 0;
        for (int k = 0; k < blocks; k++) {
            int from = (int) ((long) s.length * k / blocks);
            int to = (int) ((long) s.length * (k + 1) / blocks);
            ratios[k] = mean(s, from, to) / mean(g, from, to);
            mean += ratios[k] / blocks;
        }
        double sum = 0;
        for (double ratio : ratios) {
            sum += (ratio - mean) * (ratio - mean);
        }
        return Math.sqrt(sum * (blocks - 1) / blocks);
    }

    /** The mean without the values from … to − 1. */
    private static double mean(double[] values, int from, int to) {
        double sum = 0;
        int count = 0;
        for (int i = 0; i < values.length; i++) {
            if (i < from || i >= to) {
                sum += values[i];
                count++;
            }
        }
        return sum / count;
    }
}
