package dev.powersweep.fitting.isoflop;

import java.util.List;
import java.util.OptionalDouble;

/**
 * The noise of ln L that IsoFLOP curves themselves reveal: each inner point is predicted from its two neighbours on
 * either side by the cubic through them, and the errors are scaled by how much noise such a prediction carries. Smooth
 * curvature up to third order cancels, so only scatter is left (pseudo-residuals after Gasser, Sroka & Jennen-Steinmetz
 * 1986, one order higher).
 */
public final class LossNoise {
    private LossNoise() {}

    /**
     * The pooled standard deviation of ln L.
     *
     * @return empty when no budget has five sizes
     */
    public static OptionalDouble logDeviation(List<IsoFlopCurve> curves) {
        double sum = 0;
        int count = 0;
        for (IsoFlopCurve curve : curves) {
            for (int i = 2; i + 2 < curve.sizes(); i++) {
                double residual = scaledResidual(curve, i);
                sum += residual * residual;
                count++;
            }
        }
        return count == 0 ? OptionalDouble.empty() : OptionalDouble.of(Math.sqrt(sum / count));
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
