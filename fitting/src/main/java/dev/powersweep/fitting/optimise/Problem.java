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
     * The objective with its exact first and second derivatives. Huber's function has no second derivative at δ; the one from
     * inside is taken.
     *
     * @param gradient filled
     * @param hessian filled in the lower triangle, row-major
     * @param work gradient and Hessian of one row
     */
    double value(double[] theta, double[] gradient, double[] hessian, RowWork work) {
        int p = gradient.length;
        java.util.Arrays.fill(gradient, 0);
        java.util.Arrays.fill(hessian, 0);
        boolean huber = objective.huber();
        boolean log = objective.log();
        double sum = 0;
        for (int i = 0; i < logTarget.length; i++) {
            double weight = weights[i];
            if (weight == 0) {
                continue;
            }
            double[] g = work.gradient;
            double[] h = work.hessian;
            double m = model.value(theta, i, g, h);
            double scale = 1;
            double r;
            if (log) {
                r = m - logTarget[i];
            } else {
                scale = Math.exp(m);
                r = scale - Math.exp(logTarget[i]);
            }
            // ρ' and ρ'' of the residual
            double slope;
            double curvature;
            if (!huber) {
                sum += weight * r * r;
                slope = 2 * weight * r;
                curvature = 2 * weight;
            } else if (Math.abs(r) <= delta) {
                sum += weight * 0.5 * r * r;
                slope = weight * r;
                curvature = weight;
            } else {
                sum += weight * delta * (Math.abs(r) - 0.5 * delta);
                slope = r > 0 ? weight * delta : -weight * delta;
                curvature = 0;
            }
            // In nats the residual is exp(m) − y: first derivative s·m', second s·(m'' + m'm').
            double first = slope * scale;
            double outer = curvature * scale * scale + (log ? 0 : first);
            for (int j = 0, at = 0; j < p; j++) {
                double gj = g[j];
                gradient[j] += first * gj;
                double og = outer * gj;
                for (int k = 0; k <= j; k++) {
                    hessian[at + k] += og * g[k] + first * h[at + k];
                }
                at += p;
            }
        }
        return sum;
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

    /** Scratch space for the derivatives of one row. */
    static final class RowWork {
        final double[] gradient;
        final double[] hessian;

        RowWork(int dimension) {
            gradient = new double[dimension];
            hessian = new double[dimension * dimension];
        }
    }
}
