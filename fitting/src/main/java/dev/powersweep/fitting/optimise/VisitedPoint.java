package dev.powersweep.fitting.optimise;

/**
 * Every row's prediction and first derivatives at one place, for the many fits that begin there.
 *
 * @param model whose predictions these are
 * @param theta the place, internal parameters
 * @param value ln of the prediction, one a row
 * @param gradient first derivatives, row after row
 */
public record VisitedPoint(TwoStageModel model, double[] theta, double[] value, double[] gradient) {
    /** Evaluates every row. */
    public static VisitedPoint of(TwoStageModel model, double[] theta) {
        double[] value = new double[model.rows()];
        double[] gradient = new double[model.rows() * model.dimension()];
        for (int row = 0; row < value.length; row++) {
            value[row] = model.value(theta, row, gradient, row * model.dimension());
        }
        return new VisitedPoint(model, theta.clone(), value, gradient);
    }
}
