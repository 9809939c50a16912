package dev.powersweep.fitting.uncertainty;

import java.util.Arrays;
import org.hipparchus.linear.EigenDecompositionSymmetric;
import org.hipparchus.linear.MatrixUtils;
import org.hipparchus.linear.RealMatrix;

/** Eigenvalues of second derivatives. */
final class Spectrum {
    private Spectrum() {}

    /** Condition number of a symmetric matrix, infinite where it is not positive definite. */
    static double condition(double[] rowMajor, int p) {
        if (!Arrays.stream(rowMajor).allMatch(Double::isFinite)) {
            return Double.POSITIVE_INFINITY;
        }
        RealMatrix matrix = MatrixUtils.createRealMatrix(p, p);
        for (int j = 0; j < p; j++) {
            for (int k = 0; k < p; k++) {
                matrix.setEntry(j, k, rowMajor[j * p + k]);
            }
        }
        double[] values = new EigenDecompositionSymmetric(matrix).getEigenvalues();
        double high = Double.NEGATIVE_INFINITY;
        double low = Double.POSITIVE_INFINITY;
        for (double value : values) {
            high = Math.max(high, value);
            low = Math.min(low, value);
        }
        return low > 0 ? high / low : Double.POSITIVE_INFINITY;
    }
}
