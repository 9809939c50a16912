package dev.powersweep.fitting.optimise;

/**
 * A model, the numbers it should predict, and the objective that says how well it does.
 *
 * @param model predictions
 * @param logTarget ln of the observed values, one a row
 * @param weights weight of each row, ≥ 0; rows of weight zero cost nothing
 * @param objective the function of the residuals
 * @param delta Huber's threshold, in nats or log units as the objective has it
 */
public record Problem(LossModel model, double[] logTarget, double[] weights, Objective objective, double delta) {

    /** The objective's value. */
    public double value(double[] theta) {
        double sum = 0;
        for (int i = 0; i < logTarget.length; i++) {
            double weight = weights[i];
            if (weight == 0) {
                continue;
            }
            sum += weight * objective.of(residual(model.value(theta, i), i), delta);
        }
        return sum;
    }

    /** Residual of a row: predicted minus observed, in logs or in nats as the objective has it. */
    public double residual(double logPrediction, int row) {
        return objective.log() ? logPrediction - logTarget[row] : Math.exp(logPrediction) - Math.exp(logTarget[row]);
    }

    /**
     * The size of gradient component that counts as one: what all rows pulling one way with unit sensitivity would give. A
     * {@link Minimum#gradientNorm()} is relative to it.
     */
    public double gradientScale() {
        double total = 0;
        for (double weight : weights) {
            total += weight;
        }
        return total * (objective.huber() ? delta : 1);
    }
}
