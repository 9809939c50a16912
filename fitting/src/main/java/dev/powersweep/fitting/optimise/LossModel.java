package dev.powersweep.fitting.optimise;

/**
 * The logarithm of what a law predicts for each row of a data set, as a smooth function of internal parameters.
 *
 * <p>Internal parameters are chosen for the optimiser (centred, logarithmic); laws translate them to published ones.
 * Implementations are immutable and safe to share between threads.
 */
public interface LossModel {
    /** Number of internal parameters. */
    int dimension();

    /** Number of rows. */
    int rows();

    /** ln of the prediction for a row. */
    double value(double[] theta, int row);

    /**
     * ln of the prediction for a row, with its first and second derivatives.
     *
     * @param gradient filled from {@code offset} on, {@link #dimension()} numbers
     * @param offset where in {@code gradient} the row begins
     * @param hessian filled, lower triangle of a row-major {@code dimension × dimension} matrix
     */
    double value(double[] theta, int row, double[] gradient, int offset, double[] hessian);
}
