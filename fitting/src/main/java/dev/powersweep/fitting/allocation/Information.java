package dev.powersweep.fitting.allocation;

import java.util.Arrays;
import java.util.List;
import java.util.Optional;
import org.hipparchus.linear.Array2DRowRealMatrix;
import org.hipparchus.linear.EigenDecompositionSymmetric;

/**
 * What a set of runs says about a law's parameters: the Fisher information of independent Gaussian errors of ln L, M = Σ
 * j·jᵀ/σ², j = ∂ln L/∂θ at one run. Immutable.
 *
 * <p>A direction about which the runs say nothing keeps a very weak prior instead of an infinite variance, so that designs
 * which cannot identify the law yet can still be improved: {@link #identifiable()} tells the two apart.
 */
final class Information {
    /** Share of the largest scaled eigenvalue below which a direction counts as unknown. */
    private static final double UNKNOWN = 1e-12;

    private final double[][] covariance;
    private final boolean identifiable;

    private Information(double[][] covariance, boolean identifiable) {
        this.covariance = covariance;
        this.identifiable = identifiable;
    }

    /**
     * The information of runs made already.
     *
     * @param jacobian one row per run
     * @param deviation σ of ln L
     * @return empty without runs or with a derivative that is not finite
     */
    static Optional<Information> of(List<double[]> jacobian, double deviation) {
        if (jacobian.isEmpty()) {
            return Optional.empty();
        }
        int p = jacobian.get(0).length;
        double[] scale = new double[p];
        for (double[] row : jacobian) {
            for (int j = 0; j < p; j++) {
                scale[j] = Math.hypot(scale[j], row[j]);
            }
        }
        if (!Arrays.stream(scale).allMatch(Double::isFinite)) {
            return Optional.empty();
        }
        for (int j = 0; j < p; j++) {
            scale[j] = scale[j] > 0 ? scale[j] : 1;
        }
        double[][] gram = new double[p][p];
        for (double[] row : jacobian) {
            for (int i = 0; i < p; i++) {
                for (int j = 0; j < p; j++) {
                    gram[i][j] += row[i] / scale[i] * (row[j] / scale[j]);
                }
            }
        }
        EigenDecompositionSymmetric eigen = new EigenDecompositionSymmetric(new Array2DRowRealMatrix(gram));
        double floor = UNKNOWN * Math.max(eigen.getEigenvalue(0), 1e-300);
        double[][] covariance = new double[p][p];
        boolean identifiable = true;
        for (int k = 0; k < p; k++) {
            double value = eigen.getEigenvalue(k);
            identifiable &= value > floor;
            double[] vector = eigen.getEigenvector(k).toArray();
            for (int i = 0; i < p; i++) {
                for (int j = 0; j < p; j++) {
                    covariance[i][j] += deviation
                            * deviation
                            * vector[i]
                            * vector[j]
                            / (Math.max(value, floor) * scale[i] * scale[j]);
                }
            }
        }
        return Optional.of(new Information(covariance, identifiable));
    }

    /** Whether the runs determine every direction. */
    boolean identifiable() {
        return identifiable;
    }

    /** Variance of a quantity with this gradient. */
    double variance(double[] gradient) {
        double[] product = times(gradient);
        double sum = 0;
        for (int i = 0; i < gradient.length; i++) {
            sum += gradient[i] * product[i];
        }
        return sum;
    }

    /** By how much one more run lowers the variance of a quantity (rank-one update of the covariance). */
    double gain(double[] gradient, double[] row, double deviation) {
        double[] product = times(row);
        double cross = 0;
        double own = 0;
        for (int i = 0; i < row.length; i++) {
            cross += gradient[i] * product[i];
            own += row[i] * product[i];
        }
        return cross * cross / (deviation * deviation + own);
    }

    /** The information with one run more. */
    Information with(double[] row, double deviation) {
        double[] product = times(row);
        double own = 0;
        for (int i = 0; i < row.length; i++) {
            own += row[i] * product[i];
        }
        double[][] updated = new double[row.length][];
        for (int i = 0; i < row.length; i++) {
            updated[i] = covariance[i].clone();
            for (int j = 0; j < row.length; j++) {
                updated[i][j] -= product[i] * product[j] / (deviation * deviation + own);
            }
        }
        return new Information(updated, identifiable);
    }

    private double[] times(double[] vector) {
        double[] product = new double[vector.length];
        for (int i = 0; i < vector.length; i++) {
            for (int j = 0; j < vector.length; j++) {
                product[i] += covariance[i][j] * vector[j];
            }
        }
        return product;
    }
}
