package dev.powersweep.fitting.optimise;

import java.util.Arrays;

/**
 * ln of {@code exp(u) + exp(v − exp(h)·ln D)} where u, v and h are each {@code c_0 + c_1·φ(x; k)} of {@code x = N/N_0}, with the
 * Box-Cox power {@code φ(x; k) = (x^k − 1)/k} (ln x at k = 0), which keeps coefficients finite and signs free where an exponent
 * passes zero.
 *
 * <p>Internal parameters: u_0, u_1, v_0, v_1, h_0, h_1, then the exponents of u, v and h.
 */
public final class FarseerModel implements LossModel {
    /** Number of internal parameters. */
    public static final int DIMENSION = 9;

    /** Index of the first exponent; coefficients come before. */
    public static final int EXPONENTS = 6;

    /** Parameters of h. */
    private static final int[] OF_H = {4, 5, 8};

    private static final double SERIES = 1e-3;

    /** ln(N/N_0) per row. */
    private final double[] size;

    private final double[] logD;

    /**
     * @param size ln(N/N_0) per row
     * @param logD ln of D per row, in the unit of the law
     */
    public FarseerModel(double[] size, double[] logD) {
        this.size = size.clone();
        this.logD = logD.clone();
    }

    @Override
    public int dimension() {
        return DIMENSION;
    }

    @Override
    public int rows() {
        return size.length;
    }

    @Override
    public double value(double[] theta, int row) {
        double t = size[row];
        double u = theta[0] + theta[1] * power(t, theta[6]);
        double v = theta[2] + theta[3] * power(t, theta[7]);
        double h = theta[4] + theta[5] * power(t, theta[8]);
        return logSum(u, v - Math.exp(h) * logD[row]);
    }

    @Override
    public double value(double[] theta, int row, double[] gradient, int offset, double[] hessian) {
        double t = size[row];
        double[][] part = new double[3][];
        double[] line = new double[3];
        for (int f = 0; f < 3; f++) {
            double k = theta[EXPONENTS + f];
            part[f] = new double[] {power(t, k), first(t, k), second(t, k)};
            line[f] = theta[2 * f] + theta[2 * f + 1] * part[f][0];
        }
        double pull = -Math.exp(line[2]) * logD[row];
        double z = line[1] + pull;
        double m = logSum(line[0], z);
        double floor = Math.exp(line[0] - m);
        double rest = Math.exp(z - m);
        // Derivatives of u, v and h by their own parameters; z follows v directly and h through the exponential.
        double[] du = new double[DIMENSION];
        double[] dz = new double[DIMENSION];
        double[] dh = new double[DIMENSION];
        double[][] own = {du, dz, dh};
        for (int f = 0; f < 3; f++) {
            own[f][2 * f] = 1;
            own[f][2 * f + 1] = part[f][0];
            own[f][EXPONENTS + f] = theta[2 * f + 1] * part[f][1];
        }
        for (int j : OF_H) {
            dz[j] = pull * dh[j];
        }
        for (int j = 0; j < DIMENSION; j++) {
            gradient[offset + j] = floor * du[j] + rest * dz[j];
        }
        Arrays.fill(hessian, 0, DIMENSION * DIMENSION, 0);
        for (int j = 0; j < DIMENSION; j++) {
            for (int k = 0; k <= j; k++) {
                hessian[j * DIMENSION + k] =
                        floor * du[j] * du[k] + rest * dz[j] * dz[k] - gradient[offset + j] * gradient[offset + k];
            }
        }
        for (int j : OF_H) {
            for (int k : OF_H) {
                if (k <= j) {
                    hessian[j * DIMENSION + k] += rest * pull * dh[j] * dh[k];
                }
            }
        }
        double[] share = {floor, rest, rest * pull};
        for (int f = 0; f < 3; f++) {
            int k = EXPONENTS + f;
            hessian[k * DIMENSION + 2 * f + 1] += share[f] * part[f][1];
            hessian[k * DIMENSION + k] += share[f] * theta[2 * f + 1] * part[f][2];
        }
        return m;
    }

    private static double logSum(double a, double b) {
        double largest = Math.max(a, b);
        return largest + Math.log(Math.exp(a - largest) + Math.exp(b - largest));
    }

    /** φ at x = e^t. */
    public static double power(double t, double k) {
        double kt = k * t;
        return Math.abs(kt) < SERIES ? t * (1 + kt / 2 * (1 + kt / 3 * (1 + kt / 4))) : Math.expm1(kt) / k;
    }

    /** ∂φ/∂k. */
    private static double first(double t, double k) {
        double kt = k * t;
        return Math.abs(kt) < SERIES
                ? t * t * (1.0 / 2 + kt / 3 + kt * kt / 8 + kt * kt * kt / 30)
                : (t * Math.exp(kt) - power(t, k)) / k;
    }

    /** ∂²φ/∂k². */
    private static double second(double t, double k) {
        double kt = k * t;
        return Math.abs(kt) < 20 * SERIES
                ? t * t * t * (1.0 / 3 + kt / 4 + kt * kt / 10 + kt * kt * kt / 36)
                : (t * t * Math.exp(kt) - 2 * first(t, k)) / k;
    }
}
