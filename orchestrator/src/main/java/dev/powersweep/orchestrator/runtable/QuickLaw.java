package dev.powersweep.orchestrator.runtable;

import dev.powersweep.fitting.linear.LeastSquares;
import java.util.Arrays;

/**
 * L = E + A/N^α + B/D^β by relative least squares over a coarse grid of exponents: close enough to see rows that belong to
 * no law. One of N and D may be missing.
 *
 * @param sizes of the middle row, by which N and D are divided
 * @param miss rms of ln measured/predicted over the rows
 */
record QuickLaw(double floor, double[] coefficients, double[] exponents, double[] sizes, double miss) {
    static final double[] FINE = {0.1, 0.17, 0.24, 0.31, 0.38, 0.47, 0.6, 0.8, 1.1};

    static final double[] COARSE = {0.2, 0.35, 0.6};

    /**
     * Fits it.
     *
     * @param n parameters, above zero; empty where there are none
     * @param d tokens likewise
     * @param loss above zero
     * @param grid of exponents
     */
    static QuickLaw of(double[] n, double[] d, double[] loss, double[] grid) {
        double[][] axes = {n, d};
        double[] middles = {n.length == 0 ? 1 : Quantities.median(n), d.length == 0 ? 1 : Quantities.median(d)};
        double[] weights = Arrays.stream(loss).map(value -> 1 / (value * value)).toArray();
        double[] mean = {Double.NaN};
        QuickLaw best = constant(loss, middles);
        for (double alpha : n.length == 0 ? mean : grid) {
            for (double beta : d.length == 0 ? mean : grid) {
                QuickLaw law = at(axes, new double[] {alpha, beta}, middles, loss, weights);
                best = law != null && law.miss < best.miss ? law : best;
            }
        }
        return best;
    }

    /** Columns whose coefficient is not positive are left out: a loss falls with size and data. */
    private static QuickLaw at(double[][] axes, double[] exponents, double[] middles, double[] loss, double[] weights) {
        QuickLaw best = null;
        for (int chosen = 1; chosen < 4; chosen++) {
            int[] columns = chosen == 3 ? new int[] {0, 1} : new int[] {chosen - 1};
            boolean there = true;
            for (int column : columns) {
                there &= axes[column].length > 0;
            }
            if (!there) {
                continue;
            }
            double[][] design = new double[loss.length][columns.length + 1];
            for (int i = 0; i < loss.length; i++) {
                design[i][0] = 1;
                for (int j = 0; j < columns.length; j++) {
                    int axis = columns[j];
                    design[i][j + 1] = Math.pow(axes[axis][i] / middles[axis], -exponents[axis]);
                }
            }
            QuickLaw law = LeastSquares.solve(design, loss, weights)
                    .map(solved -> law(solved.coefficients(), columns, exponents, middles, axes, loss))
                    .orElse(null);
            best = law != null && (best == null || law.miss < best.miss) ? law : best;
        }
        return best;
    }

    private static QuickLaw law(
            double[] solved, int[] columns, double[] exponents, double[] middles, double[][] axes, double[] loss) {
        double[] coefficients = new double[2];
        for (int j = 0; j < columns.length; j++) {
            coefficients[columns[j]] = solved[j + 1];
        }
        if (solved[0] < 0 || coefficients[0] < 0 || coefficients[1] < 0) {
            return null;
        }
        QuickLaw law = new QuickLaw(solved[0], coefficients, exponents, middles, Double.NaN);
        double sum = 0;
        for (int i = 0; i < loss.length; i++) {
            double off = Math.log(
                    loss[i] / law.predict(axes[0].length == 0 ? 0 : axes[0][i], axes[1].length == 0 ? 0 : axes[1][i]));
            sum += off * off;
        }
        return new QuickLaw(solved[0], coefficients, exponents, middles, Math.sqrt(sum / loss.length));
    }

    private static QuickLaw constant(double[] loss, double[] middles) {
        double mean = Math.exp(Arrays.stream(loss).map(Math::log).average().orElse(0));
        double sum = Arrays.stream(loss)
                .map(value -> Math.log(value / mean))
                .map(off -> off * off)
                .sum();
        return new QuickLaw(mean, new double[2], new double[] {1, 1}, middles, Math.sqrt(sum / loss.length));
    }

    double predict(double n, double d) {
        double[] at = {n, d};
        double loss = floor;
        for (int axis = 0; axis < at.length; axis++) {
            if (coefficients[axis] > 0) {
                loss += coefficients[axis] * Math.pow(at[axis] / sizes[axis], -exponents[axis]);
            }
        }
        return loss;
    }
}
