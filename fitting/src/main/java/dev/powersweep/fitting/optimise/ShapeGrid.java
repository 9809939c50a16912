package dev.powersweep.fitting.optimise;

import java.util.Arrays;

/**
 * The nodes of a grid of shapes, each with its best coefficients.
 *
 * <p>For a {@link PowerSumModel} the powers depend on one exponent each, so that a grid of 25 × 25 shapes needs 50 columns of
 * powers, not 1,250, and a node no exponential at all.
 */
final class ShapeGrid {
    private final Problem problem;
    private final ShapedModel shaped;
    private final double[][] values;
    private final boolean[] frozen;
    private final Box coefficients;
    private final PowerSumModel sums;
    /** [term][value] powers of a term at each value of its only exponent; a term without one has one column; null for others. */
    private final double[][][] powers;

    /**
     * @param values of each shape parameter, in the order of {@link ShapedModel#shape()}
     */
    ShapeGrid(Problem problem, ShapedModel shaped, double[][] values) {
        this.problem = problem;
        this.shaped = shaped;
        this.values = values;
        int p = shaped.model().dimension();
        frozen = new boolean[p];
        int[] shape = shaped.shape();
        boolean last = true;
        for (int s = 0; s < shape.length; s++) {
            frozen[shape[s]] = true;
            last &= shape[s] == p - shape.length + s;
        }
        sums = last && shaped.model() instanceof PowerSumModel model && model.terms() == p - shape.length
                ? model
                : null;
        if (sums == null) {
            coefficients = shaped.box();
            powers = new double[0][][];
            return;
        }
        int terms = sums.terms();
        coefficients = new Box(
                Arrays.copyOf(shaped.box().low(), terms),
                Arrays.copyOf(shaped.box().high(), terms));
        powers = new double[terms][][];
        for (int k = 0; k < terms; k++) {
            powers[k] = columns(k);
        }
    }

    private double[][] columns(int term) {
        double[] theta = new double[sums.dimension()];
        if (sums.exponents(term) == 0) {
            return new double[][] {sums.powers(theta, term)};
        }
        int only = sums.onlyExponent(term);
        if (only < 0) {
            return null;
        }
        double[] tried = values[only - sums.terms()];
        double[][] columns = new double[tried.length][];
        for (int v = 0; v < tried.length; v++) {
            theta[only] = tried[v];
            columns[v] = sums.powers(theta, term);
        }
        return columns;
    }

    /** A worker's scratch space. */
    Newton newton() {
        return new Newton(sums == null ? frozen.length : sums.terms());
    }

    /**
     * The best coefficients for a node's shape, roughly.
     *
     * @param node the number of the node, the last shape parameter running fastest
     */
    Minimum best(Newton newton, int node) {
        int[] index = new int[values.length];
        double[] shape = new double[values.length];
        int rest = node;
        for (int s = values.length - 1; s >= 0; s--) {
            index[s] = rest % values[s].length;
            shape[s] = values[s][index[s]];
            rest /= values[s].length;
        }
        if (sums == null) {
            double[] start = shaped.start(shape, problem.logTarget(), problem.weights());
            return newton.minimise(problem, start, shaped.box(), frozen, Newton.Effort.ROUGH);
        }
        return best(newton, index, shape);
    }

    private Minimum best(Newton newton, int[] index, double[] shape) {
        int terms = sums.terms();
        double[] theta = new double[sums.dimension()];
        System.arraycopy(shape, 0, theta, terms, shape.length);
        double[][] columns = new double[terms][];
        for (int k = 0; k < terms; k++) {
            int only = sums.onlyExponent(k);
            columns[k] = powers[k] == null ? sums.powers(theta, k) : powers[k][only < 0 ? 0 : index[only - terms]];
        }
        TwoStageModel held = sums.held(theta, columns);
        double[] start = sums.start(theta, columns, problem.logTarget(), problem.weights());
        Problem reduced =
                new Problem(held, problem.logTarget(), problem.weights(), problem.objective(), problem.delta());
        Minimum end = newton.minimise(reduced, start, coefficients, new boolean[terms], Newton.Effort.ROUGH);
        System.arraycopy(end.theta(), 0, theta, 0, terms);
        return new Minimum(theta, end.value(), end.gradientNorm(), end.iterations());
    }
}
