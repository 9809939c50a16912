package dev.powersweep.fitting.optimise;

/**
 * A model whose second derivatives follow from its first ones without another exponential. Newton's method then takes the
 * two apart: second derivatives are summed over rows as they are made, and a point visited by many fits is evaluated once.
 */
public interface TwoStageModel extends LossModel {
    /**
     * ln of the prediction for a row, with its first derivatives.
     *
     * @param gradient filled from {@code offset} on, {@link #dimension()} numbers
     * @param offset where in {@code gradient} the row begins
     */
    double value(double[] theta, int row, double[] gradient, int offset);

    /**
     * Adds a multiple of a row's second derivatives.
     *
     * @param factor the multiple
     * @param gradient the row's first derivatives at {@code theta}, from {@code offset} on
     * @param curvature added to, lower triangle of a row-major {@code dimension × dimension} matrix
     */
    void addCurvature(double[] theta, int row, double factor, double[] gradient, int offset, double[] curvature);

    /**
     * ln of the predictions for several rows, with their first derivatives.
     *
     * @param rows which, the first {@code count} of them
     * @param values filled, {@code count} numbers
     * @param gradients filled, row after row
     */
    default void values(double[] theta, int[] rows, int count, double[] values, double[] gradients) {
        for (int i = 0, at = 0; i < count; i++, at += dimension()) {
            values[i] = value(theta, rows[i], gradients, at);
        }
    }

    /**
     * Adds the sum of multiples of several rows' second derivatives.
     *
     * @param rows which, the first {@code count} of them
     * @param factors the multiples, one for each
     * @param gradients their first derivatives at {@code theta}, row after row
     * @param curvature added to, lower triangle of a row-major {@code dimension × dimension} matrix
     */
    default void addCurvature(
            double[] theta, int[] rows, int count, double[] factors, double[] gradients, double[] curvature) {
        for (int i = 0, at = 0; i < count; i++, at += dimension()) {
            addCurvature(theta, rows[i], factors[i], gradients, at, curvature);
        }
    }

    @Override
    default double value(double[] theta, int row, double[] gradient, int offset, double[] hessian) {
        double value = value(theta, row, gradient, offset);
        java.util.Arrays.fill(hessian, 0, dimension() * dimension(), 0);
        addCurvature(theta, row, 1, gradient, offset, hessian);
        return value;
    }
}
