package dev.powersweep.fitting.optimise;

/**
 * ln of {@code E + A/N'^α + B/D'^β} where repeated tokens and excess parameters count for less (Muennighoff et al. 2023).
 *
 * <p>{@code D' = U + U·R_D·(1 − exp(−(D/U − 1)/R_D))}, and {@code N'} alike with {@code U_N}, the model size that would be
 * compute-optimal for U unique tokens, or N if that is smaller. U_N depends on A, B, α and β: {@code ln U_N = (ln(αA) − ln(βB) +
 * β ln U)/α}.
 *
 * <p>Internal parameters: e = ln E; a, b = ln of the two terms at the geometric middle of N and D; α; β; ln R_D; ln R_N.
 */
public final class RepeatedDataModel implements LossModel {
    /** Number of internal parameters. */
    public static final int DIMENSION = 7;

    private static final int E = 0;
    private static final int A = 1;
    private static final int B = 2;
    private static final int ALPHA = 3;
    private static final int BETA = 4;
    private static final int RD = 5;
    private static final int RN = 6;

    private final double[] logN;
    private final double[] logU;
    private final double[] repeats;
    private final double middleN;
    private final double middleD;

    /**
     * @param logN ln of model sizes, parameters
     * @param logD ln of tokens seen
     * @param logU ln of unique tokens; where it exceeds tokens seen, those are taken
     * @param middleN ln N at which {@code a} is told
     * @param middleD ln D at which {@code b} is told
     */
    public RepeatedDataModel(double[] logN, double[] logD, double[] logU, double middleN, double middleD) {
        this.logN = logN.clone();
        this.logU = new double[logU.length];
        this.repeats = new double[logU.length];
        for (int i = 0; i < logU.length; i++) {
            this.logU[i] = Math.min(logU[i], logD[i]);
            repeats[i] = Math.expm1(logD[i] - this.logU[i]);
        }
        this.middleN = middleN;
        this.middleD = middleD;
    }

    @Override
    public int dimension() {
        return DIMENSION;
    }

    @Override
    public int rows() {
        return logN.length;
    }

    @Override
    public double value(double[] theta, int row) {
        return value(theta, row, new double[DIMENSION], 0, new double[DIMENSION * DIMENSION]);
    }

    @Override
    public double value(double[] theta, int row, double[] gradient, int offset, double[] hessian) {
        double alpha = Math.max(theta[ALPHA], 1e-9);
        double beta = Math.max(theta[BETA], 1e-9);

        // ln D' and its derivatives by ln R_D
        double[] worth = worth(repeats[row], Math.exp(theta[RD]));
        double v = logU[row] + worth[0];

        // q = ln of the compute-optimal size for U tokens, its gradient and Hessian by (a, b, α, β)
        double s = Math.log(alpha / beta) + theta[A] + alpha * middleN - theta[B] - beta * middleD + beta * logU[row];
        double q = s / alpha;
        double[] dq = new double[DIMENSION];
        double[] ddq = new double[DIMENSION * DIMENSION];
        double u;
        double[] du = new double[DIMENSION];
        double[] ddu = new double[DIMENSION * DIMENSION];
        if (q < logN[row]) {
            double[] ds = new double[DIMENSION];
            ds[A] = 1;
            ds[B] = -1;
            ds[ALPHA] = 1 / alpha + middleN;
            ds[BETA] = -1 / beta + logU[row] - middleD;
            for (int j = A; j <= BETA; j++) {
                dq[j] = ds[j] / alpha - (j == ALPHA ? s / (alpha * alpha) : 0);
                for (int k = A; k <= j; k++) {
                    double second =
                            j == k && j == ALPHA ? -1 / (alpha * alpha) : j == k && j == BETA ? 1 / (beta * beta) : 0;
                    double value = second / alpha;
                    value -= ((j == ALPHA ? ds[k] : 0) + (k == ALPHA ? ds[j] : 0)) / (alpha * alpha);
                    value += j == ALPHA && k == ALPHA ? 2 * s / (alpha * alpha * alpha) : 0;
                    ddq[j * DIMENSION + k] = value;
                }
            }
            u = excess(theta, row, q, dq, ddq, du, ddu);
        } else {
            u = logN[row];
        }

        double first = Math.exp(theta[A] - alpha * (u - middleN));
        double second = Math.exp(theta[B] - beta * (v - middleD));
        double constant = Math.exp(theta[E]);
        double sum = first + second + constant;
        double p1 = first / sum;
        double p2 = second / sum;

        double[] t1 = new double[DIMENSION];
        double[] t2 = new double[DIMENSION];
        for (int j = 0; j < DIMENSION; j++) {
            t1[j] = -alpha * du[j];
        }
        t1[A] += 1;
        t1[ALPHA] -= u - middleN;
        t2[B] = 1;
        t2[BETA] = -(v - middleD);
        t2[RD] = -beta * worth[1];
        for (int j = 0; j < DIMENSION; j++) {
            gradient[offset + j] = p1 * t1[j] + p2 * t2[j] + (j == E ? constant / sum : 0);
        }
        for (int j = 0; j < DIMENSION; j++) {
            for (int k = 0; k <= j; k++) {
                int at = j * DIMENSION + k;
                double h1 = -alpha * ddu[at] - (j == ALPHA ? du[k] : 0) - (k == ALPHA ? du[j] : 0);
                double h2 = j == RD && k == RD ? -beta * worth[2] : j == RD && k == BETA ? -worth[1] : 0;
                hessian[at] = p1 * (h1 + t1[j] * t1[k])
                        + p2 * (h2 + t2[j] * t2[k])
                        + (j == E && k == E ? constant / sum : 0)
                        - gradient[offset + j] * gradient[offset + k];
            }
        }
        return Math.log(sum);
    }

    /** ln N', filling its derivatives by every parameter. */
    private double excess(double[] theta, int row, double q, double[] dq, double[] ddq, double[] du, double[] ddu) {
        double r = Math.exp(theta[RN]);
        double x = Math.expm1(logN[row] - q);
        double decay = Math.exp(-x / r);
        double m = 1 - r * Math.expm1(-x / r);
        double mr = r * (-Math.expm1(-x / r) - x / r * decay);
        double mrr = mr - x * x / r * decay;
        double mq = -(x + 1) * decay;
        double mqq = (x + 1) * decay - (x + 1) * (x + 1) * decay / r;
        double mqr = -(x + 1) * decay * x / r;
        double uq = 1 + mq / m;
        double ur = mr / m;
        double uqq = mqq / m - mq * mq / (m * m);
        double urr = mrr / m - mr * mr / (m * m);
        double uqr = mqr / m - mq * mr / (m * m);
        for (int j = 0; j < DIMENSION; j++) {
            double rj = j == RN ? 1 : 0;
            du[j] = uq * dq[j] + ur * rj;
            for (int k = 0; k <= j; k++) {
                double rk = k == RN ? 1 : 0;
                ddu[j * DIMENSION + k] = uq * ddq[j * DIMENSION + k]
                        + uqq * dq[j] * dq[k]
                        + uqr * (dq[j] * rk + dq[k] * rj)
                        + urr * rj * rk;
            }
        }
        return q + Math.log(m);
    }

    /** ln(1 + R(1 − exp(−x/R))) with first and second derivative by ln R. */
    private static double[] worth(double x, double r) {
        double decay = Math.exp(-x / r);
        double m = 1 - r * Math.expm1(-x / r);
        double mr = r * (-Math.expm1(-x / r) - x / r * decay);
        double mrr = mr - x * x / r * decay;
        return new double[] {Math.log(m), mr / m, mrr / m - mr * mr / (m * m)};
    }

    /** Effective size: {@code unit·(1 + R(1 − exp(−(size/unit − 1)/R)))}. */
    public static double effective(double size, double unit, double r) {
        return size <= unit ? size : unit * (1 - r * Math.expm1(-(size / unit - 1) / r));
    }
}
