package dev.powersweep.fitting.optimise;

import dev.powersweep.fitting.runs.RateHistory;
import java.util.Arrays;
import java.util.List;

/**
 * ln of {@code L + A·s^(−α) − B·Σ_k g_k·(1 − (1 + X_k)^(−β))} along training runs, with
 * {@code X_k = exp(c − γ·e_k)·(s − s_k)}: s is the sum of the learning rates so far in the unit of the model, and each
 * fall g_k of the rate to e_k (its logarithm), at s_k, takes something off the loss. Internal parameters: L, A, B, α,
 * c, β, γ.
 */
public final class ScheduleModel implements LossModel {
    /** Number of internal parameters. */
    public static final int DIMENSION = 7;

    /** Index of the first shape parameter (α, c, β, γ); the coefficients L, A, B come before. */
    public static final int SHAPES = 3;

    /** s of each row. */
    private final double[] s;

    private final double[] logS;
    /** [row]: the run whose changes it has behind it. */
    private final int[] run;
    /** [run][k]: falls of the rate in units of the largest rate, their e_k, and their s_k. */
    private final double[][] fall;

    private final double[][] logRate;
    private final double[][] place;

    /**
     * @param histories of the runs, which name every row once
     * @param rows number of rows
     * @param sumUnit unit of the sums of rates
     * @param rateUnit unit of the rates
     */
    public ScheduleModel(List<RateHistory> histories, int rows, double sumUnit, double rateUnit) {
        s = new double[rows];
        logS = new double[rows];
        run = new int[rows];
        fall = new double[histories.size()][];
        logRate = new double[histories.size()][];
        place = new double[histories.size()][];
        for (int h = 0; h < histories.size(); h++) {
            RateHistory history = histories.get(h);
            for (int i = 0; i < history.rows().length; i++) {
                int row = history.rows()[i];
                s[row] = history.sum()[i] / sumUnit;
                logS[row] = Math.log(s[row]);
                run[row] = h;
            }
            fall[h] = Arrays.stream(history.change()).map(x -> -x / rateUnit).toArray();
            logRate[h] = Arrays.stream(history.rate())
                    .map(x -> Math.log(x / rateUnit))
                    .toArray();
            place[h] = Arrays.stream(history.before()).map(x -> x / sumUnit).toArray();
        }
    }

    @Override
    public int dimension() {
        return DIMENSION;
    }

    @Override
    public int rows() {
        return s.length;
    }

    /** s^(−α) of a row. */
    public double decay(double alpha, int row) {
        return Math.exp(-alpha * logS[row]);
    }

    /** What the falls of the rate have brought by a row, for B = 1. */
    public double annealed(double c, double beta, double gamma, int row) {
        double[] g = fall[run[row]];
        double[] e = logRate[run[row]];
        double[] at = place[run[row]];
        double sum = 0;
        for (int k = 0; k < g.length && at[k] < s[row]; k++) {
            double x = Math.exp(c - gamma * e[k]) * (s[row] - at[k]);
            sum -= g[k] * Math.expm1(-beta * Math.log1p(x));
        }
        return sum;
    }

    @Override
    public double value(double[] theta, int row) {
        double loss =
                theta[0] + theta[1] * decay(theta[3], row) - theta[2] * annealed(theta[4], theta[5], theta[6], row);
        return loss > 0 ? Math.log(loss) : Double.POSITIVE_INFINITY;
    }

    @Override
    public double value(double[] theta, int row, double[] gradient, int offset, double[] hessian) {
        double b = theta[2];
        double beta = theta[5];
        double power = decay(theta[3], row);
        // Sums over the falls of G and its derivatives by c, β and γ.
        double[] sum = new double[10];
        falls(theta, row, sum);
        double loss = theta[0] + theta[1] * power - b * sum[0];
        Arrays.fill(gradient, offset, offset + DIMENSION, 0);
        Arrays.fill(hessian, 0, DIMENSION * DIMENSION, 0);
        if (!(loss > 0) || !(beta > 0)) {
            return Double.POSITIVE_INFINITY;
        }
        gradient[offset] = 1;
        gradient[offset + 1] = power;
        gradient[offset + 2] = -sum[0];
        gradient[offset + 3] = -theta[1] * logS[row] * power;
        gradient[offset + 4] = -b * sum[1];
        gradient[offset + 5] = -b * sum[2];
        gradient[offset + 6] = -b * sum[3];
        hessian[at(3, 1)] = -logS[row] * power;
        hessian[at(3, 3)] = theta[1] * logS[row] * logS[row] * power;
        hessian[at(4, 2)] = -sum[1];
        hessian[at(5, 2)] = -sum[2];
        hessian[at(6, 2)] = -sum[3];
        hessian[at(4, 4)] = -b * sum[4];
        hessian[at(5, 4)] = -b * sum[5];
        hessian[at(6, 4)] = -b * sum[6];
        hessian[at(5, 5)] = -b * sum[7];
        hessian[at(6, 5)] = -b * sum[8];
        hessian[at(6, 6)] = -b * sum[9];
        for (int j = 0; j < DIMENSION; j++) {
            gradient[offset + j] /= loss;
        }
        for (int j = 0; j < DIMENSION; j++) {
            for (int k = 0; k <= j; k++) {
                hessian[at(j, k)] = hessian[at(j, k)] / loss - gradient[offset + j] * gradient[offset + k];
            }
        }
        return Math.log(loss);
    }

    /** Adds G, G_c, G_β, G_γ, G_cc, G_cβ, G_cγ, G_ββ, G_βγ and G_γγ over the falls behind a row. */
    private void falls(double[] theta, int row, double[] sum) {
        double beta = theta[5];
        double[] g = fall[run[row]];
        double[] e = logRate[run[row]];
        double[] at = place[run[row]];
        for (int k = 0; k < g.length && at[k] < s[row]; k++) {
            double x = Math.exp(theta[4] - theta[6] * e[k]) * (s[row] - at[k]);
            double log = Math.log1p(x);
            double rest = Math.exp(-beta * log);
            double share = x / (1 + x);
            double byC = g[k] * beta * share * rest;
            double byCC = byC * (1 - (beta + 1) * share);
            double byCBeta = g[k] * share * rest * (1 - beta * log);
            sum[0] -= g[k] * Math.expm1(-beta * log);
            sum[1] += byC;
            sum[2] += g[k] * log * rest;
            sum[3] -= e[k] * byC;
            sum[4] += byCC;
            sum[5] += byCBeta;
            sum[6] -= e[k] * byCC;
            sum[7] -= g[k] * log * log * rest;
            sum[8] -= e[k] * byCBeta;
            sum[9] += e[k] * e[k] * byCC;
        }
    }

    private static int at(int j, int k) {
        return j * DIMENSION + k;
    }
}
