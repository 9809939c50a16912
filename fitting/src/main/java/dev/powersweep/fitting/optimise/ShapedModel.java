package dev.powersweep.fitting.optimise;

/**
 * A loss model with the knowledge needed to search it globally: variable projection splits the parameters into a few that
 * shape the curve (exponents) and the rest (coefficients), which are found easily once the shape is fixed.
 */
public interface ShapedModel {
    /** The model itself. */
    LossModel model();

    /** Bounds on the internal parameters. */
    Box box();

    /** Indices of the shape parameters. */
    int[] shape();

    /** Values of one shape parameter that the search visits, ascending. */
    double[] grid(int shapeSlot);

    /**
     * A full parameter vector with the given shape and roughly the best coefficients for it.
     *
     * @param shapeValues one value for each of {@link #shape()}
     * @param logTarget ln of the observed values
     * @param weights of the rows
     */
    double[] start(double[] shapeValues, double[] logTarget, double[] weights);
}
