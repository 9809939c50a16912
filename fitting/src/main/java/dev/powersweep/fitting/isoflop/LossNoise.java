package dev.powersweep.fitting.isoflop;

import java.util.ArrayList;
import java.util.List;
import java.util.OptionalDouble;

/**
 * The noise of ln L that IsoFLOP curves themselves reveal: each inner point is predicted from its two neighbours on
 * either side by the cubic through them, and the errors are scaled by how much noise such a prediction carries. Smooth
 * curvature up to third order cancels, so only scatter is left (pseudo-residuals after Gasser, Sroka & Jennen-Steinmetz
 * 1986, one order higher).
 */
public final class LossNoise {
    /** Fewer residuals near the minima than this do not determine a median. */
    private static final int FEWEST = 8;
    /** Median of |z| for a standard normal z. */
    private static final double NORMAL_MEDIAN = 0.6744897501960817;

    private LossNoise() {}

    /**
     * The standard deviation of ln L near the minima, from the median absolute pseudo-residual: far from the minimum the
     * curves are steep, and diverged runs lie there.
     *
     * @return empty when no budget has five sizes
     */
    public static OptionalDouble logDeviation(List<IsoFlopCurve> curves) {
        List<Double> near = new ArrayList<>();
        List<Double> all = new ArrayList<>();
        for (IsoFlopCurve curve : curves) {
            int lowest = lowest(curve.loss());
            for (int i = 2; i + 2 < curve.sizes(); i++) {
                double residual = Math.abs(scaledResidual(curve, i));
                all.add(residual);
                if (Math.abs(i - lowest) <= 2) {
                    near.add(residual);
                }
            }
        }
        List<Double> used = near.size() >= FEWEST ? near : all;
        if (used.isEmpty()) {
            return OptionalDouble.empty();
        }
        double[] sorted =
                used.stream().mapToDouble(Double::doubleValue).sorted().toArray();
        double median = (sorted[sorted.length / 2] + sorted[(sorted.length - 1) / 2]) / 2;
        return OptionalDouble.of(median / NORMAL_MEDIAN);
    }

    private static int lowest(double[] loss) {
        int lowest = 0;
        for (int i = 1; i < loss.length; i++) {
            if (loss[i] < loss[lowest]) {
                lowest = i;
            }
        }
        return lowest;
    }

    private static double scaledResidual(IsoFlopCurve curve, int i) {
        int[] neighbours = {i - 2, i - 1, i + 1, i + 2};
        double x = Math.log(curve.n()[i]);
        double predicted = 0;
        double variance = 1;
        for (int j : neighbours) {
            double weight = 1;
            for (int k : neighbours) {
                if (k != j) {
                    weight *= (x - Math.log(curve.n()[k])) / Math.log(curve.n()[j] / curve.n()[k]);
                }
            }
            predicted += weight * Math.log(curve.loss()[j]);
            variance += weight * weight;
        }
        return (Math.log(curve.loss()[i]) - predicted) / Math.sqrt(variance);
    }
}
