package dev.powersweep.fitting.linear;

import java.util.Optional;

/**
 * Ordinary least squares by Householder QR with column scaling, so that columns of very different size (tokens next to
 * exponents) do not lose digits to each other.
 *
 * @param coefficients one per column
 * @param inverseGram (XᵀX)⁻¹, symmetric, columns × columns; times the residual variance it is the covariance
 * @param residuals y − X·coefficients, one per row
 * @param residualSumOfSquares Σ residuals²
 */
public record LeastSquares(
        double[] coefficients, double[][] inverseGram, double[] residuals, double residualSumOfSquares) {

    /** A scaled diagonal of R below this share of the largest marks dependent columns. */
    private static final double RANK_TOLERANCE = 1e-11;

    /**
     * Solves min ‖y − Xb‖².
     *
     * @param design rows × columns
     * @param response one value per row
     * @return empty when there are fewer rows than columns or the columns are linearly dependent
     */
    public static Optional<LeastSquares> solve(double[][] design, double[] response) {
        int rows = design.length;
        int columns = rows == 0 ? 0 : design[0].length;
        if (rows < columns || columns == 0) {
            return Optional.empty();
        }
        double[][] q = new double[rows][];
        for (int i = 0; i < rows; i++) {
            q[i] = design[i].clone();
        }
        double[] y = response.clone();
        double[] scale = new double[columns];
        for (int j = 0; j < columns; j++) {
            double norm = 0;
            for (double[] row : q) {
                norm = Math.hypot(norm, row[j]);
            }
            if (!(norm > 0) || !Double.isFinite(norm)) {
                return Optional.empty();
            }
            scale[j] = norm;
            for (double[] row : q) {
                row[j] /= norm;
            }
        }
        double[] diagonal = new double[columns];
        for (int j = 0; j < columns; j++) {
            if (!reflect(q, y, j, diagonal)) {
                return Optional.empty();
            }
        }
        double largest = 0;
        for (double d : diagonal) {
            largest = Math.max(largest, Math.abs(d));
        }
        for (double d : diagonal) {
            if (Math.abs(d) <= RANK_TOLERANCE * largest) {
                return Optional.empty();
            }
        }
        double[][] inverse = invertUpper(q, diagonal);
        double[] coefficients = new double[columns];
        double[][] gram = new double[columns][columns];
        for (int i = 0; i < columns; i++) {
            for (int k = i; k < columns; k++) {
                coefficients[i] += inverse[i][k] * y[k];
            }
            coefficients[i] /= scale[i];
            for (int j = 0; j <= i; j++) {
                double sum = 0;
                for (int k = i; k < columns; k++) {
                    sum += inverse[i][k] * inverse[j][k];
                }
                gram[i][j] = sum / (scale[i] * scale[j]);
                gram[j][i] = gram[i][j];
            }
        }
        double[] residuals = new double[rows];
        double sumOfSquares = 0;
        for (int i = 0; i < rows; i++) {
            double fitted = 0;
            for (int j = 0; j < columns; j++) {
                fitted += design[i][j] * coefficients[j];
            }
            residuals[i] = response[i] - fitted;
            sumOfSquares += residuals[i] * residuals[i];
        }
        return Optional.of(new LeastSquares(coefficients, gram, residuals, sumOfSquares));
    }

    /**
     * Solves min Σ w·(y − Xb)².
     *
     * @param weights one per row, above zero; residuals and their sum are those of the weighted rows
     * @return empty as for {@link #solve(double[][], double[])}
     */
    public static Optional<LeastSquares> solve(double[][] design, double[] response, double[] weights) {
        double[][] rows = new double[design.length][];
        double[] scaled = new double[response.length];
        for (int i = 0; i < rows.length; i++) {
            double root = Math.sqrt(weights[i]);
            rows[i] = design[i].clone();
            for (int j = 0; j < rows[i].length; j++) {
                rows[i][j] *= root;
            }
            scaled[i] = response[i] * root;
        }
        return solve(rows, scaled);
    }

    /** Rows minus columns. */
    public int degreesOfFreedom() {
        return residuals.length - coefficients.length;
    }

    /** The unbiased residual variance; NaN when no degree of freedom is left. */
    public double residualVariance() {
        return degreesOfFreedom() > 0 ? residualSumOfSquares / degreesOfFreedom() : Double.NaN;
    }

    /** The standard error of a coefficient; NaN when no degree of freedom is left. */
    public double standardError(int column) {
        return Math.sqrt(residualVariance() * inverseGram[column][column]);
    }

    private static boolean reflect(double[][] q, double[] y, int j, double[] diagonal) {
        double norm = 0;
        for (int i = j; i < q.length; i++) {
            norm = Math.hypot(norm, q[i][j]);
        }
        if (!(norm > 0)) {
            return false;
        }
        double alpha = q[j][j] > 0 ? -norm : norm;
        diagonal[j] = alpha;
        q[j][j] -= alpha;
        double beta = 0;
        for (int i = j; i < q.length; i++) {
            beta += q[i][j] * q[i][j];
        }
        for (int k = j + 1; k < diagonal.length; k++) {
            double dot = 0;
            for (int i = j; i < q.length; i++) {
                dot += q[i][j] * q[i][k];
            }
            double factor = 2 * dot / beta;
            for (int i = j; i < q.length; i++) {
                q[i][k] -= factor * q[i][j];
            }
        }
        double dot = 0;
        for (int i = j; i < q.length; i++) {
            dot += q[i][j] * y[i];
        }
        double factor = 2 * dot / beta;
        for (int i = j; i < q.length; i++) {
            y[i] -= factor * q[i][j];
        }
        return true;
    }

    /** The inverse of R, whose diagonal lies apart and whose upper part lies in q. */
    private static double[][] invertUpper(double[][] q, double[] diagonal) {
        int n = diagonal.length;
        double[][] inverse = new double[n][n];
        for (int j = 0; j < n; j++) {
            inverse[j][j] = 1 / diagonal[j];
            for (int i = j - 1; i >= 0; i--) {
                double sum = 0;
                for (int k = i + 1; k <= j; k++) {
                    sum += q[i][k] * inverse[k][j];
                }
                inverse[i][j] = -sum / diagonal[i];
            }
        }
        return inverse;
    }
}
