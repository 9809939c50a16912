package dev.powersweep.fitting.optimise;

/**
 * ln of a sum of powers: {@code γ · ln Σ_k exp(θ_k + Σ_j θ_j x_kj)}, optionally with an outer exponent γ.
 *
 * <p>The regressors {@code x} are minus the centred logarithms of the columns, so that {@code θ_k} is ln of term
 * {@code k} at the geometric middle of the data. Centring makes the fit independent of units and brings the condition number
 * of approach 3 from about 1e11 down to hundreds.
 */
public final class PowerSumModel implements LossModel {
    private final int dimension;
    private final int rows;
    private final int terms;
    /** [term][slot] index of the exponent. */
    private final int[][] exponent;
    /** [term][slot][row] regressor. */
    private final double[][][] regressor;
    /** [term][row] what is added to the term without a parameter; null for nothing. */
    private final double[][] offset;
    /** Index of the outer exponent, −1 where it is one. */
    private final int outer;

    /**
     * @param dimension number of internal parameters
     * @param terms number of terms; their coefficients are the first parameters
     * @param exponent indices of each term's exponents; none for a constant
     * @param regressor for each term and exponent, one number a row
     * @param offset for each term what is added without a parameter, one number a row; null entries for nothing
     * @param outer index of the outer exponent, −1 for none
     */
    public PowerSumModel(
            int dimension,
            int rows,
            int terms,
            int[][] exponent,
            double[][][] regressor,
            double[][] offset,
            int outer) {
        this.dimension = dimension;
        this.rows = rows;
        this.terms = terms;
        this.exponent = exponent;
        this.regressor = regressor;
        this.offset = offset;
        this.outer = outer;
    }

    @Override
    public int dimension() {
        return dimension;
    }

    @Override
    public int rows() {
        return rows;
    }

    /** Index of the exponent in a slot of a term. */
    public int exponent(int term, int slot) {
        return exponent[term][slot];
    }

    private double affine(double[] theta, int term, int row) {
        double u = theta[term];
        if (offset[term] != null) {
            u += offset[term][row];
        }
        int[] slots = exponent[term];
        for (int s = 0; s < slots.length; s++) {
            u += theta[slots[s]] * regressor[term][s][row];
        }
        return u;
    }

    @Override
    public double value(double[] theta, int row) {
        double sum = 0;
        for (int k = 0; k < terms; k++) {
            sum += Math.exp(affine(theta, k, row));
        }
        double log = safeLog(sum, theta, row);
        return outer < 0 ? log : theta[outer] * log;
    }

    /** ln of the sum; by way of the largest term where the plain sum over- or underflows. */
    private double safeLog(double sum, double[] theta, int row) {
        if (sum > 1e-290 && sum < 1e290) {
            return Math.log(sum);
        }
        double largest = Double.NEGATIVE_INFINITY;
        for (int k = 0; k < terms; k++) {
            largest = Math.max(largest, affine(theta, k, row));
        }
        double scaled = 0;
        for (int k = 0; k < terms; k++) {
            scaled += Math.exp(affine(theta, k, row) - largest);
        }
        return largest + Math.log(scaled);
    }

    @Override
    public double value(double[] theta, int row, double[] gradient, int offset, double[] hessian) {
        int p = dimension;
        for (int j = terms; j < p; j++) {
            gradient[offset + j] = 0;
        }
        // Coefficients come first, so their slots of the gradient hold the terms until the shares are known.
        double sum = 0;
        for (int k = 0; k < terms; k++) {
            double term = Math.exp(affine(theta, k, row));
            gradient[offset + k] = term;
            sum += term;
        }
        double log;
        if (sum > 1e-290 && sum < 1e290) {
            log = Math.log(sum);
            double inverse = 1 / sum;
            for (int k = 0; k < terms; k++) {
                gradient[offset + k] *= inverse;
            }
        } else {
            log = safeLog(sum, theta, row);
            for (int k = 0; k < terms; k++) {
                gradient[offset + k] = Math.exp(affine(theta, k, row) - log);
            }
        }
        for (int k = 0; k < terms; k++) {
            double share = gradient[offset + k];
            int[] slots = exponent[k];
            double[][] x = regressor[k];
            for (int s = 0; s < slots.length; s++) {
                gradient[offset + slots[s]] += share * x[s][row];
            }
        }
        for (int j = 0, at = 0; j < p; j++, at += p) {
            double gj = -gradient[offset + j];
            for (int k = 0; k <= j; k++) {
                hessian[at + k] = gj * gradient[offset + k];
            }
        }
        for (int k = 0; k < terms; k++) {
            double share = gradient[offset + k];
            hessian[k * p + k] += share;
            int[] slots = exponent[k];
            double[][] x = regressor[k];
            for (int s = 0; s < slots.length; s++) {
                int j = slots[s];
                double sx = share * x[s][row];
                hessian[j * p + k] += sx;
                hessian[j * p + j] += sx * x[s][row];
                for (int t = 0; t < s; t++) {
                    addLower(hessian, p, j, slots[t], sx * x[t][row]);
                }
            }
        }
        return outer < 0 ? log : raised(theta, log, gradient, offset, hessian);
    }

    private double raised(double[] theta, double log, double[] gradient, int offset, double[] hessian) {
        int p = dimension;
        double gamma = theta[outer];
        for (int j = 0; j < p; j++) {
            for (int k = 0; k <= j; k++) {
                hessian[j * p + k] *= gamma;
            }
        }
        for (int j = 0; j < p; j++) {
            if (j != outer) {
                addLower(hessian, p, j, outer, gradient[offset + j]);
                gradient[offset + j] *= gamma;
            }
        }
        gradient[offset + outer] = log;
        return gamma * log;
    }

    private static void addLower(double[] hessian, int p, int j, int k, double value) {
        if (j >= k) {
            hessian[j * p + k] += value;
        } else {
            hessian[k * p + j] += value;
        }
    }
}
