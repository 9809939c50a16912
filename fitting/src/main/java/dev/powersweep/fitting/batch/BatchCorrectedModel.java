package dev.powersweep.fitting.batch;

import dev.powersweep.fitting.optimise.LossModel;
import java.util.Arrays;

/**
 * ln(E + A/N^α + B/M^β), M being the data (or steps) that count once the batch is taken into account:
 *
 * <ul>
 *   <li>data: M = D/(1 + B/B_crit), Kaplan et al. 2020 eq 5.5 with C = 6·N·D;
 *   <li>steps: M = S_min = S/(1 + B_crit/B), their eq 5.4.
 * </ul>
 *
 * ln B_crit = c + κ·z, where z is a centred logarithm of D or N, or minus that of the predicted loss itself; the prediction
 * is then the lowest solution of m = g(θ, m), and its derivatives follow by implicit differentiation.
 *
 * <p>Internal parameters: ln E, ln A and ln B at the geometric middle of the data, α, β, ln B_crit relative to the middle of
 * the batch sizes, and κ where B_crit is not constant.
 */
final class BatchCorrectedModel implements LossModel {
    static final int E = 0;
    static final int A = 1;
    static final int B = 2;
    static final int ALPHA = 3;
    static final int BETA = 4;
    static final int CRITICAL = 5;
    static final int KAPPA = 6;

    /** Beyond this the implicit loss has run away: no batch of this size reaches any loss under these parameters. */
    private static final double RUNAWAY = 50;

    private static final int FIXED_POINT_STEPS = 200;
    /** Keeps derivatives finite where the implicit equation is about to lose its solution. */
    private static final double LEAST_SLOPE = 1e-3;

    private final double[] size;
    private final double[] amount;
    private final double[] batch;
    private final double[] driver;
    private final double sign;
    private final double middleLogLoss;
    private final int dimension;
    private final boolean implicit;

    /**
     * @param size minus the centred ln N, per row
     * @param amount minus the centred ln D (or ln S), per row
     * @param batch centred ln B, per row
     * @param driver z per row; empty for a constant B_crit and where the loss drives it
     * @param sign +1 when the amount is data, −1 when it is steps
     * @param middleLogLoss centre of ln L
     * @param driven what B_crit depends on
     */
    BatchCorrectedModel(
            double[] size,
            double[] amount,
            double[] batch,
            double[] driver,
            double sign,
            double middleLogLoss,
            CriticalBatchDriver driven) {
        this.size = size;
        this.amount = amount;
        this.batch = batch;
        this.driver = driver;
        this.sign = sign;
        this.middleLogLoss = middleLogLoss;
        this.implicit = driven == CriticalBatchDriver.LOSS;
        this.dimension = driven == CriticalBatchDriver.NONE ? KAPPA : KAPPA + 1;
    }

    @Override
    public int dimension() {
        return dimension;
    }

    @Override
    public int rows() {
        return size.length;
    }

    @Override
    public double value(double[] theta, int row) {
        if (!implicit) {
            return direct(theta, row, dimension > KAPPA ? driver[row] : 0);
        }
        double m = direct(theta, row, Double.NaN);
        for (int i = 0; i < FIXED_POINT_STEPS && m < middleLogLoss + RUNAWAY; i++) {
            double z = middleLogLoss - m;
            double g = direct(theta, row, z);
            double slope = slope(theta, row, z, g);
            // Newton from below; it overshoots only where the slope nears one, and plain iteration is safe there.
            double next = slope < 0.9 ? m + (g - m) / (1 - slope) : g;
            if (Math.abs(next - m) <= 1e-15 * (1 + Math.abs(m))) {
                return next;
            }
            m = next;
        }
        return m;
    }

    /** g(θ, z); NaN for z stands for a batch so small that it does not matter. */
    private double direct(double[] theta, int row, double z) {
        double first = theta[E];
        double second = theta[A] + theta[ALPHA] * size[row];
        double correction = Double.isNaN(z) && sign > 0 ? 0 : correction(theta, row, Double.isNaN(z) ? 0 : z);
        double third = theta[B] + theta[BETA] * (amount[row] + correction);
        double largest = Math.max(first, Math.max(second, third));
        return largest + Math.log(Math.exp(first - largest) + Math.exp(second - largest) + Math.exp(third - largest));
    }

    private double exponent(double[] theta, int row, double z) {
        double critical = theta[CRITICAL] + (dimension > KAPPA ? theta[KAPPA] * z : 0);
        return sign * (batch[row] - critical);
    }

    /** ln(1 + B/B_crit), or ln(1 + B_crit/B) for steps. */
    private double correction(double[] theta, int row, double z) {
        double x = exponent(theta, row, z);
        return x > 0 ? x + Math.log1p(Math.exp(-x)) : Math.log1p(Math.exp(x));
    }

    /** ∂g/∂m where z = middle − m. */
    private double slope(double[] theta, int row, double z, double g) {
        double sigma = 1 / (1 + Math.exp(-exponent(theta, row, z)));
        double third = theta[B] + theta[BETA] * (amount[row] + correction(theta, row, z));
        return Math.exp(third - g) * theta[BETA] * sign * sigma * theta[KAPPA];
    }

    @Override
    public double value(double[] theta, int row, double[] gradient, double[] hessian) {
        int p = dimension;
        double m = 0;
        double z = dimension > KAPPA && !implicit ? driver[row] : 0;
        if (implicit) {
            m = value(theta, row);
            z = middleLogLoss - m;
        }
        double correction = correction(theta, row, z);
        double[] u = {theta[E], theta[A] + theta[ALPHA] * size[row], theta[B] + theta[BETA] * (amount[row] + correction)
        };
        double largest = Math.max(u[0], Math.max(u[1], u[2]));
        double log = largest + Math.log(Math.exp(u[0] - largest) + Math.exp(u[1] - largest) + Math.exp(u[2] - largest));
        double[] share = {Math.exp(u[0] - log), Math.exp(u[1] - log), Math.exp(u[2] - log)};

        // Variables: the parameters and, last, m where it enters on the right-hand side.
        int q = implicit ? p + 1 : p;
        double[] third = thirdGradient(theta, row, z, correction, q);
        double[] g = new double[q];
        g[E] = share[0];
        g[A] = share[1];
        g[ALPHA] = share[1] * size[row];
        for (int j = 0; j < q; j++) {
            g[j] += share[2] * third[j];
        }
        double[][] h = new double[q][q];
        h[E][E] = share[0];
        h[A][A] = share[1];
        h[ALPHA][A] = share[1] * size[row];
        h[ALPHA][ALPHA] = share[1] * size[row] * size[row];
        addThirdHessian(theta, row, z, share[2], h);
        for (int j = 0; j < q; j++) {
            for (int k = 0; k <= j; k++) {
                h[j][k] += share[2] * third[j] * third[k] - g[j] * g[k];
                h[k][j] = h[j][k];
            }
        }
        Arrays.fill(hessian, 0);
        if (!implicit) {
            System.arraycopy(g, 0, gradient, 0, p);
            for (int j = 0; j < p; j++) {
                System.arraycopy(h[j], 0, hessian, j * p, j + 1);
            }
            return log;
        }
        double denominator = Math.max(1 - g[p], LEAST_SLOPE);
        for (int j = 0; j < p; j++) {
            gradient[j] = g[j] / denominator;
        }
        for (int j = 0; j < p; j++) {
            for (int k = 0; k <= j; k++) {
                hessian[j * p + k] =
                        (h[j][k] + h[p][j] * gradient[k] + h[p][k] * gradient[j] + h[p][p] * gradient[j] * gradient[k])
                                / denominator;
            }
        }
        return m;
    }

    /** First derivatives of the third term's logarithm. */
    private double[] thirdGradient(double[] theta, int row, double z, double correction, int q) {
        double sigma = 1 / (1 + Math.exp(-exponent(theta, row, z)));
        double byCritical = -sign * sigma * theta[BETA];
        double[] third = new double[q];
        third[B] = 1;
        third[BETA] = amount[row] + correction;
        third[CRITICAL] = byCritical;
        if (dimension > KAPPA) {
            third[KAPPA] = byCritical * z;
        }
        if (implicit) {
            third[q - 1] = -byCritical * theta[KAPPA];
        }
        return third;
    }

    /** Adds weight × second derivatives of the third term's logarithm to the lower triangle. */
    private void addThirdHessian(double[] theta, int row, double z, double weight, double[][] h) {
        double sigma = 1 / (1 + Math.exp(-exponent(theta, row, z)));
        double first = -sign * sigma;
        double second = theta[BETA] * sigma * (1 - sigma);
        h[CRITICAL][BETA] += weight * first;
        h[CRITICAL][CRITICAL] += weight * second;
        if (dimension <= KAPPA) {
            return;
        }
        h[KAPPA][BETA] += weight * first * z;
        h[KAPPA][CRITICAL] += weight * second * z;
        h[KAPPA][KAPPA] += weight * second * z * z;
        if (implicit) {
            int m = h.length - 1;
            double kappa = theta[KAPPA];
            h[m][BETA] -= weight * first * kappa;
            h[m][CRITICAL] -= weight * second * kappa;
            h[m][KAPPA] -= weight * (second * kappa * z + theta[BETA] * first);
            h[m][m] += weight * second * kappa * kappa;
        }
    }
}
