package dev.powersweep.fitting.batch;

import dev.powersweep.fitting.optimise.LossModel;

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
            boolean newton = slope < 0.9;
            double next = newton ? m + (g - m) / (1 - slope) : g;
            // A Newton step this small has squared its error below rounding already.
            if (Math.abs(next - m) <= (newton ? 1e-9 : 1e-15 * (1 + Math.abs(m)))) {
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
        double correction = Double.isNaN(z) && sign > 0 ? 0 : correction(exponent(theta, row, Double.isNaN(z) ? 0 : z));
        double third = theta[B] + theta[BETA] * (amount[row] + correction);
        return logSum(first, second, third);
    }

    private static double logSum(double first, double second, double third) {
        double largest = Math.max(first, Math.max(second, third));
        return largest + Math.log(Math.exp(first - largest) + Math.exp(second - largest) + Math.exp(third - largest));
    }

    private double exponent(double[] theta, int row, double z) {
        double critical = theta[CRITICAL] + (dimension > KAPPA ? theta[KAPPA] * z : 0);
        return sign * (batch[row] - critical);
    }

    /** ln(1 + B/B_crit), or ln(1 + B_crit/B) for steps. */
    private static double correction(double x) {
        return x > 0 ? x + Math.log1p(Math.exp(-x)) : Math.log1p(Math.exp(x));
    }

    /** ∂g/∂m where z = middle − m. */
    private double slope(double[] theta, int row, double z, double g) {
        double x = exponent(theta, row, z);
        double sigma = 1 / (1 + Math.exp(-x));
        double third = theta[B] + theta[BETA] * (amount[row] + correction(x));
        return Math.exp(third - g) * theta[BETA] * sign * sigma * theta[KAPPA];
    }

    @Override
    public double value(double[] theta, int row, double[] gradient, int offset, double[] hessian) {
        int p = dimension;
        double m = implicit ? value(theta, row) : 0;
        double z = p <= KAPPA ? 0 : implicit ? middleLogLoss - m : driver[row];
        double x = exponent(theta, row, z);
        double size = this.size[row];
        double effective = amount[row] + correction(x);
        double first = theta[E];
        double second = theta[A] + theta[ALPHA] * size;
        double third = theta[B] + theta[BETA] * effective;
        double log = logSum(first, second, third);
        double firstShare = Math.exp(first - log);
        double secondShare = Math.exp(second - log);
        double thirdShare = Math.exp(third - log);

        // Derivatives of the third term's logarithm: by ln B_crit, and its own second one.
        double sigma = 1 / (1 + Math.exp(-x));
        double byCritical = -sign * sigma * theta[BETA];
        double curvature = theta[BETA] * sigma * (1 - sigma);

        gradient[offset + E] = firstShare;
        gradient[offset + A] = secondShare;
        gradient[offset + B] = thirdShare;
        gradient[offset + ALPHA] = secondShare * size;
        gradient[offset + BETA] = thirdShare * effective;
        gradient[offset + CRITICAL] = thirdShare * byCritical;
        if (p > KAPPA) {
            gradient[offset + KAPPA] = thirdShare * byCritical * z;
        }
        for (int j = 0, at = 0; j < p; j++, at += p) {
            for (int k = 0; k <= j; k++) {
                hessian[at + k] = -gradient[offset + j] * gradient[offset + k];
            }
        }
        hessian[E * p + E] += firstShare;
        hessian[A * p + A] += secondShare;
        hessian[ALPHA * p + A] += secondShare * size;
        hessian[ALPHA * p + ALPHA] += secondShare * size * size;
        hessian[B * p + B] += thirdShare;
        hessian[BETA * p + B] += thirdShare * effective;
        hessian[BETA * p + BETA] += thirdShare * effective * effective;
        hessian[CRITICAL * p + B] += thirdShare * byCritical;
        hessian[CRITICAL * p + BETA] += thirdShare * (byCritical * effective - sign * sigma);
        hessian[CRITICAL * p + CRITICAL] += thirdShare * (byCritical * byCritical + curvature);
        if (p > KAPPA) {
            hessian[KAPPA * p + B] += thirdShare * byCritical * z;
            hessian[KAPPA * p + BETA] += thirdShare * z * (byCritical * effective - sign * sigma);
            hessian[KAPPA * p + CRITICAL] += thirdShare * z * (byCritical * byCritical + curvature);
            hessian[KAPPA * p + KAPPA] += thirdShare * z * z * (byCritical * byCritical + curvature);
        }
        if (!implicit) {
            return log;
        }
        throughTheLoss(
                theta, gradient, offset, hessian, new Third(thirdShare, effective, z, sigma, byCritical, curvature));
        return m;
    }

    /** What the third term contributes at one row. */
    private record Third(double share, double effective, double z, double sigma, double byCritical, double curvature) {}

    /**
     * From the derivatives of g(θ, m) to those of the m that solves m = g: m_j = g_j/(1 − g_m) and m_jk = (g_jk + g_jm·m_k +
     * g_km·m_j + g_mm·m_j·m_k)/(1 − g_m).
     */
    private void throughTheLoss(double[] theta, double[] gradient, int offset, double[] hessian, Third third) {
        int p = dimension;
        double kappa = theta[KAPPA];
        double byM = -third.byCritical() * kappa;
        double gm = third.share() * byM;
        double gmm = third.share() * (byM * byM + third.curvature() * kappa * kappa) - gm * gm;
        double[] cross = new double[p];
        for (int j = 0; j < p; j++) {
            cross[j] = -gradient[offset + j] * gm;
        }
        cross[B] += third.share() * byM;
        cross[BETA] += third.share() * (third.effective() * byM + sign * third.sigma() * kappa);
        double criticalCross = third.byCritical() * byM - third.curvature() * kappa;
        cross[CRITICAL] += third.share() * criticalCross;
        cross[KAPPA] += third.share() * (third.z() * criticalCross - third.byCritical());
        double denominator = Math.max(1 - gm, LEAST_SLOPE);
        for (int j = 0; j < p; j++) {
            gradient[offset + j] /= denominator;
        }
        for (int j = 0, at = 0; j < p; j++, at += p) {
            for (int k = 0; k <= j; k++) {
                hessian[at + k] = (hessian[at + k]
                                + cross[j] * gradient[offset + k]
                                + cross[k] * gradient[offset + j]
                                + gmm * gradient[offset + j] * gradient[offset + k])
                        / denominator;
            }
        }
    }
}
