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

    /** Whether no term has more than one exponent, or anything besides, and there is no outer exponent: most laws. */
    private final boolean plain;

    /** [term] index of its one exponent, −1 for none, and [term][row] its regressor. */
    private final int[] onlyExponent;

    private final double[][] onlyRegressor;

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
        onlyExponent = new int[terms];
        onlyRegressor = new double[terms][];
        boolean one = outer < 0;
        for (int k = 0; k < terms; k++) {
            int slots = exponent[k].length;
            one &= slots <= 1 && offset[k] == null;
            onlyExponent[k] = slots == 0 ? -1 : exponent[k][0];
            onlyRegressor[k] = slots == 0 ? null : regressor[k][0];
        }
        plain = one;
    }

    /**
     * The model with its exponents held: a sum of fixed powers, in whose coefficients alone it can move.
     *
     * @param powers one for each term: {@link #powers}
     */
    TwoStageModel held(double[] theta, double[][] powers) {
        return new PowersModel(rows, powers, outer < 0 ? 1 : theta[outer], base);
    }

    /** How many exponents a term has. */
    int exponents(int term) {
        return exponent[term].length;
    }

    /** Index of a term's exponent where it has a single one, else −1. */
    int onlyExponent(int term) {
        return exponent[term].length == 1 ? exponent[term][0] : -1;
    }

    /**
     * Roughly the best coefficients for fixed exponents: non-negative least squares of the relative residuals. A term that least
     * squares drops starts small, not at nothing, where its exponent would not matter.
     *
     * @param theta whose exponents count
     * @param powers [term][row] at those exponents
     * @return one coefficient for each term
     */
    public double[] start(double[] theta, double[][] powers, double[] logTarget, double[] weights) {
        double gamma = outer < 0 ? 1 : theta[outer];
        double[][] columns = new double[terms][rows];
        double total = 0;
        for (int i = 0; i < rows; i++) {
            double share = Math.exp((base - logTarget[i]) / gamma);
            for (int k = 0; k < terms; k++) {
                columns[k][i] = powers[k][i] * share;
            }
            total += weights[i];
        }
        double[] start = NonNegative.solveOnes(columns, weights);
        for (int k = 0; k < terms; k++) {
            double share = 0;
            for (int i = 0; i < rows; i++) {
                share += columns[k][i] * weights[i];
            }
            start[k] = Math.max(start[k], 1e-4 * total / share);
        }
        return start;
    }

    /** Every row's power of a term, without its coefficient. */
    public double[] powers(double[] theta, int term) {
        double[] powers = new double[rows];
        for (int i = 0; i < rows; i++) {
            powers[i] = power(theta, term, i);
        }
        return powers;
    }

    /** Number of terms, whose coefficients are the first parameters. */
    int terms() {
        return terms;
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

    @Override
    public void values(double[] theta, int[] which, int count, double[] values, double[] gradients) {
        if (!plain) {
            TwoStageModel.super.values(theta, which, count, values, gradients);
            return;
        }
        int p = dimension;
        for (int i = 0, at = 0; i < count; i++, at += p) {
            int row = which[i];
            double sum = 0;
            for (int k = 0; k < terms; k++) {
                int slot = onlyExponent[k];
                double power = slot < 0 ? 1 : Math.exp(theta[slot] * onlyRegressor[k][row]);
                gradients[at + k] = power;
                sum += theta[k] * power;
            }
            double scale = 1 / sum;
            for (int j = terms; j < p; j++) {
                gradients[at + j] = 0;
            }
            for (int k = 0; k < terms; k++) {
                double perUnit = gradients[at + k] * scale;
                gradients[at + k] = perUnit;
                int slot = onlyExponent[k];
                if (slot >= 0) {
                    gradients[at + slot] += theta[k] * perUnit * onlyRegressor[k][row];
                }
            }
            values[i] = base + Math.log(sum);
        }
    }

    @Override
    public void addCurvature(
            double[] theta, int[] which, int count, double[] factors, double[] gradients, double[] curvature) {
        if (!plain) {
            TwoStageModel.super.addCurvature(theta, which, count, factors, gradients, curvature);
            return;
        }
        int p = dimension;
        double[] negative = new double[count];
        for (int i = 0; i < count; i++) {
            negative[i] = -factors[i];
        }
        RowSums.addSquares(p, gradients, negative, count, curvature);
        for (int k = 0; k < terms; k++) {
            int slot = onlyExponent[k];
            if (slot < 0) {
                continue;
            }
            double[] x = onlyRegressor[k];
            double mixed = 0;
            double twice = 0;
            for (int i = 0, at = k; i < count; i++, at += p) {
                double regressed = x[which[i]];
                double slope = factors[i] * gradients[at] * regressed;
                mixed += slope;
                twice += slope * regressed;
            }
            curvature[slot * p + k] += mixed;
            curvature[slot * p + slot] += theta[k] * twice;
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
