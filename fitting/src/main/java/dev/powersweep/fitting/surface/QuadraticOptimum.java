package dev.powersweep.fitting.surface;

import dev.powersweep.fitting.linear.LeastSquares;
import java.util.Arrays;
import java.util.Optional;
import org.hipparchus.distribution.continuous.TDistribution;
import org.hipparchus.linear.Array2DRowRealMatrix;
import org.hipparchus.linear.EigenDecompositionSymmetric;

/**
 * The minimum of L = c + gᵀx + ½xᵀHx in logarithms of one or two settings, fitted by least squares: the loss near the best
 * learning rate and batch size is close to quadratic in ln η and ln B (Bi et al. 2024, DeepSeek LLM, section 3; Porian et
 * al. 2024, appendix).
 *
 * <p>Guarantees: the Hessian is positive definite and the minimum lies strictly inside the box of measured settings; anything
 * else is a {@link Missing} with its reason. The error of the minimum is by the delta method from the residual variance.
 */
public sealed interface QuadraticOptimum {

    /**
     * A minimum inside the measured range.
     *
     * @param logSetting ln of the best settings, one per axis
     * @param standardError of {@code logSetting}; NaN without a spare degree of freedom
     * @param loss at the minimum
     * @param hessian H, symmetric, nats per unit of ln² : the curvature
     * @param residualDeviation in nats; NaN without a spare degree of freedom
     * @param degreesOfFreedom rows minus coefficients
     * @param residuals measured minus fitted loss of each row, nats
     */
    record Minimum(
            double[] logSetting,
            double[] standardError,
            double loss,
            double[][] hessian,
            double residualDeviation,
            int degreesOfFreedom,
            double[] residuals)
            implements QuadraticOptimum {

        /** The best setting on an axis. */
        public double setting(int axis) {
            return Math.exp(logSetting[axis]);
        }

        /**
         * The two ends of the interval of the best setting on an axis, by Student's t in logarithms; NaN without a spare
         * degree of freedom.
         *
         * @param level e.g. 0.95
         */
        public double[] interval(int axis, double level) {
            double t = degreesOfFreedom > 0
                    ? new TDistribution(degreesOfFreedom).inverseCumulativeProbability((1 + level) / 2)
                    : Double.NaN;
            double half = t * standardError[axis];
            return new double[] {Math.exp(logSetting[axis] - half), Math.exp(logSetting[axis] + half)};
        }

        /** By which factor an axis can be off, the other at its best for it, before the loss rises by some nats. */
        public double tolerance(int axis, double nats) {
            double curvature = hessian[axis][axis];
            if (hessian.length == 2) {
                double other = hessian[1 - axis][1 - axis];
                curvature -= hessian[0][1] * hessian[0][1] / other;
            }
            return Math.exp(Math.sqrt(2 * nats / curvature));
        }
    }

    /**
     * No usable minimum.
     *
     * @param reason which kind of failure
     * @param axis the axis concerned; −1 where none is
     */
    record Missing(Reason reason, int axis) implements QuadraticOptimum {}

    /** Why there is no minimum. */
    enum Reason {
        /** Fewer runs than coefficients (3 on one axis, 6 on two). */
        TOO_FEW_POINTS,
        /** The settings do not span the quadratic: fewer than three values on an axis, or both axes move together. */
        COLLINEAR,
        /** The surface bends downwards in some direction. */
        NOT_CONVEX,
        /** The best setting lies at or below the smallest measured on the axis. */
        LOWER_EDGE,
        /** The best setting lies at or above the largest measured on the axis. */
        UPPER_EDGE
    }

    /**
     * Fits the surface.
     *
     * @param settings one array per axis (one or two axes), positive values
     * @param loss nats
     */
    static QuadraticOptimum fit(double[][] settings, double[] loss) {
        double[] ones = new double[loss.length];
        Arrays.fill(ones, 1);
        return fit(settings, loss, ones);
    }

    /**
     * Fits the surface to runs of unequal weight.
     *
     * @param settings one array per axis (one or two axes), positive values
     * @param loss nats
     * @param weights above zero
     */
    static QuadraticOptimum fit(double[][] settings, double[] loss, double[] weights) {
        int axes = settings.length;
        int coefficients = axes == 1 ? 3 : 6;
        if (loss.length < coefficients) {
            return new Missing(Reason.TOO_FEW_POINTS, -1);
        }
        double[] centre = new double[axes];
        double[] low = new double[axes];
        double[] high = new double[axes];
        for (int k = 0; k < axes; k++) {
            low[k] = Math.log(Arrays.stream(settings[k]).min().orElseThrow());
            high[k] = Math.log(Arrays.stream(settings[k]).max().orElseThrow());
            centre[k] = (low[k] + high[k]) / 2;
            if (Arrays.stream(settings[k]).distinct().count() < 3) {
                return new Missing(Reason.COLLINEAR, k);
            }
        }
        double[][] design = new double[loss.length][];
        for (int i = 0; i < loss.length; i++) {
            double x = Math.log(settings[0][i]) - centre[0];
            if (axes == 1) {
                design[i] = new double[] {1, x, x * x / 2};
            } else {
                double y = Math.log(settings[1][i]) - centre[1];
                design[i] = new double[] {1, x, y, x * x / 2, x * y, y * y / 2};
            }
        }
        Optional<LeastSquares> solved = LeastSquares.solve(design, loss, weights);
        if (solved.isEmpty()) {
            return new Missing(Reason.COLLINEAR, -1);
        }
        LeastSquares fit = solved.get();
        double[] b = fit.coefficients();
        double[][] hessian = axes == 1 ? new double[][] {{b[2]}} : new double[][] {{b[3], b[4]}, {b[4], b[5]}};
        double[] eigenvalues = new EigenDecompositionSymmetric(new Array2DRowRealMatrix(hessian)).getEigenvalues();
        if (!(Arrays.stream(eigenvalues).min().orElseThrow() > 0)) {
            return new Missing(Reason.NOT_CONVEX, -1);
        }
        double[] place = axes == 1
                ? new double[] {-b[1] / b[2]}
                : new double[] {
                    -(b[5] * b[1] - b[4] * b[2]) / (b[3] * b[5] - b[4] * b[4]),
                    -(b[3] * b[2] - b[4] * b[1]) / (b[3] * b[5] - b[4] * b[4])
                };
        double value = b[0];
        for (int k = 0; k < axes; k++) {
            if (centre[k] + place[k] <= low[k]) {
                return new Missing(Reason.LOWER_EDGE, k);
            }
            if (centre[k] + place[k] >= high[k]) {
                return new Missing(Reason.UPPER_EDGE, k);
            }
            value += b[1 + k] * place[k] / 2;
        }
        double[] error = deltaMethod(fit, hessian, place);
        double[] logSetting = new double[axes];
        Arrays.setAll(logSetting, k -> centre[k] + place[k]);
        double[] residuals = new double[loss.length];
        Arrays.setAll(residuals, i -> fit.residuals()[i] / Math.sqrt(weights[i]));
        return new Minimum(
                logSetting,
                error,
                value,
                hessian,
                Math.sqrt(fit.residualVariance()),
                fit.degreesOfFreedom(),
                residuals);
    }

    /** x* = −H⁻¹g, so dx* = −H⁻¹(dg + dH·x*). */
    private static double[] deltaMethod(LeastSquares fit, double[][] hessian, double[] place) {
        int axes = place.length;
        int p = fit.coefficients().length;
        double[][] inner = new double[axes][p];
        if (axes == 1) {
            inner[0] = new double[] {0, 1, place[0]};
        } else {
            inner[0] = new double[] {0, 1, 0, place[0], place[1], 0};
            inner[1] = new double[] {0, 0, 1, 0, place[0], place[1]};
        }
        double determinant = axes == 1 ? 1 : hessian[0][0] * hessian[1][1] - hessian[0][1] * hessian[0][1];
        double[][] inverse = axes == 1
                ? new double[][] {{1 / hessian[0][0]}}
                : new double[][] {
                    {hessian[1][1] / determinant, -hessian[0][1] / determinant},
                    {-hessian[0][1] / determinant, hessian[0][0] / determinant}
                };
        double[] error = new double[axes];
        for (int k = 0; k < axes; k++) {
            double[] gradient = new double[p];
            for (int j = 0; j < p; j++) {
                for (int l = 0; l < axes; l++) {
                    gradient[j] -= inverse[k][l] * inner[l][j];
                }
            }
            double variance = 0;
            for (int i = 0; i < p; i++) {
                for (int j = 0; j < p; j++) {
                    variance += gradient[i] * fit.inverseGram()[i][j] * gradient[j];
                }
            }
            error[k] = Math.sqrt(variance * fit.residualVariance());
        }
        return error;
    }
}
