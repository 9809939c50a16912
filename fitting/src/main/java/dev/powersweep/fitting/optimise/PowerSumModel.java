package dev.powersweep.fitting.optimise;

/**
 * ln of a sum of powers: {@code base + γ · ln Σ_k c_k exp(Σ_j θ_j x_kj)}, optionally with an outer exponent γ.
 *
 * <p>The regressors {@code x} are minus the centred logarithms of the columns, so that {@code c_k} is term {@code k} at the
 * geometric middle of the data. Centring makes the fit independent of units; coefficients enter linearly, so that a step
 * along the valley in which a coefficient trades against its exponent, or against the constant, can be long, and zero is
 * a place that can be reached.
 */
public final class PowerSumModel implements TwoStageModel {
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

    /** Added to the logarithm. */
    private final double base;

    /**
     * @param dimension number of internal parameters
     * @param terms number of terms; their coefficients are the first parameters
     * @param exponent indices of each term's exponents; none for a constant
     * @param regressor for each term and exponent, one number a row
     * @param offset for each term what is added without a parameter, one number a row; null entries for nothing
     * @param outer index of the outer exponent, −1 for none
     * @param base added to the logarithm, outside the outer exponent, to keep coefficients near one
     */
    public PowerSumModel(
            int dimension,
            int rows,
            int terms,
            int[][] exponent,
            double[][][] regressor,
            double[][] offset,
            int outer,
            double base) {
        this.dimension = dimension;
        this.rows = rows;
        this.terms = terms;
        this.exponent = exponent;
        this.regressor = regressor;
        this.offset = offset;
        this.outer = outer;
        this.base = base;
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

    /** A term without its coefficient. */
    private double power(double[] theta, int term, int row) {
        int[] slots = exponent[term];
        double[] fixed = offset[term];
        if (slots.length == 0 && fixed == null) {
            return 1;
        }
        double u = fixed == null ? 0 : fixed[row];
        for (int s = 0; s < slots.length; s++) {
            u += theta[slots[s]] * regressor[term][s][row];
        }
        return Math.exp(u);
    }

    @Override
    public double value(double[] theta, int row) {
        double sum = 0;
        for (int k = 0; k < terms; k++) {
            sum += theta[k] * power(theta, k, row);
        }
        double log = Math.log(sum);
        return outer < 0 ? base + log : base + theta[outer] * log;
    }

    @Override
    public double value(double[] theta, int row, double[] gradient, int at) {
        int p = dimension;
        for (int j = terms; j < p; j++) {
            gradient[at + j] = 0;
        }
        double sum = 0;
        for (int k = 0; k < terms; k++) {
            double power = power(theta, k, row);
            gradient[at + k] = power;
            sum += theta[k] * power;
        }
        double log = Math.log(sum);
        double scale = (outer < 0 ? 1 : theta[outer]) / sum;
        for (int k = 0; k < terms; k++) {
            double perUnit = gradient[at + k] * scale;
            gradient[at + k] = perUnit;
            int[] slots = exponent[k];
            double[][] x = regressor[k];
            for (int s = 0; s < slots.length; s++) {
                gradient[at + slots[s]] += theta[k] * perUnit * x[s][row];
            }
        }
        if (outer < 0) {
            return base + log;
        }
        gradient[at + outer] = log;
        return base + theta[outer] * log;
    }

    @Override
    public void addCurvature(double[] theta, int row, double factor, double[] gradient, int at, double[] curvature) {
        int p = dimension;
        if (outer < 0) {
            for (int j = 0, line = 0; j < p; j++, line += p) {
                double gj = -factor * gradient[at + j];
                for (int k = 0; k <= j; k++) {
                    curvature[line + k] += gj * gradient[at + k];
                }
            }
        } else {
            addOuterCurvature(-factor / theta[outer], gradient, at, curvature);
        }
        for (int k = 0; k < terms; k++) {
            double perUnit = factor * gradient[at + k];
            int[] slots = exponent[k];
            double[][] x = regressor[k];
            for (int s = 0; s < slots.length; s++) {
                int j = slots[s];
                double slope = perUnit * x[s][row];
                curvature[j * p + k] += slope;
                slope *= theta[k];
                curvature[j * p + j] += slope * x[s][row];
                for (int t = 0; t < s; t++) {
                    int other = slots[t];
                    curvature[Math.max(j, other) * p + Math.min(j, other)] += slope * x[t][row];
                }
            }
        }
    }

    /** What the logarithm under an outer exponent adds: products of first derivatives, and the exponent's own row. */
    private void addOuterCurvature(double factor, double[] gradient, int at, double[] curvature) {
        int p = dimension;
        for (int j = 0, line = 0; j < p; j++, line += p) {
            double gj = factor * gradient[at + j];
            for (int k = 0; k <= j; k++) {
                if (j == outer || k == outer) {
                    curvature[line + k] -= j == k ? 0 : factor * gradient[at + (j == outer ? k : j)];
                } else {
                    curvature[line + k] += gj * gradient[at + k];
                }
            }
        }
    }
}
