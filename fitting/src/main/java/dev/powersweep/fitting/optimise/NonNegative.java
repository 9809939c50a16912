package dev.powersweep.fitting.optimise;

/** Least squares with non-negative coefficients for a handful of columns: exact, by trying every set of active columns. */
public final class NonNegative {
    private NonNegative() {}

    /**
     * Minimises {@code Σ w (Σ_k x_k column_k − 1)²} over {@code x ≥ 0}.
     *
     * @param columns [k][row], at most 6 of them
     * @param weights of the rows
     * @return the coefficients, zero where a column does not help
     */
    public static double[] solveOnes(double[][] columns, double[] weights) {
        int k = columns.length;
        double[][] gram = new double[k][k];
        double[] right = new double[k];
        for (int i = 0; i < weights.length; i++) {
            double w = weights[i];
            for (int a = 0; a < k; a++) {
                double wa = w * columns[a][i];
                right[a] += wa;
                for (int b = 0; b <= a; b++) {
                    gram[a][b] += wa * columns[b][i];
                }
            }
        }
        double[] best = new double[k];
        double bestGain = Double.NEGATIVE_INFINITY;
        for (int set = 1; set < 1 << k; set++) {
            double[] x = solve(gram, right, set);
            if (x == null) {
                continue;
            }
            double gain = 0;
            for (int a = 0; a < k; a++) {
                gain += x[a] * right[a];
            }
            if (gain > bestGain) {
                bestGain = gain;
                best = x;
            }
        }
        return best;
    }

    /** Solution on the active set, null where it is singular or has a negative coefficient. */
    private static double[] solve(double[][] gram, double[] right, int set) {
        int k = right.length;
        int[] index = new int[Integer.bitCount(set)];
        for (int a = 0, n = 0; a < k; a++) {
            if ((set >> a & 1) == 1) {
                index[n++] = a;
            }
        }
        int m = index.length;
        double[][] l = new double[m][m];
        double[] y = new double[m];
        for (int i = 0; i < m; i++) {
            for (int j = 0; j <= i; j++) {
                double sum = gram[index[i]][index[j]];
                double full = sum;
                for (int q = 0; q < j; q++) {
                    sum -= l[i][q] * l[j][q];
                }
                if (i == j) {
                    if (!(sum > 1e-13 * full)) {
                        return null;
                    }
                    l[i][i] = Math.sqrt(sum);
                } else {
                    l[i][j] = sum / l[j][j];
                }
            }
            double sum = right[index[i]];
            for (int q = 0; q < i; q++) {
                sum -= l[i][q] * y[q];
            }
            y[i] = sum / l[i][i];
        }
        double[] x = new double[k];
        for (int i = m - 1; i >= 0; i--) {
            double sum = y[i];
            for (int q = i + 1; q < m; q++) {
                sum -= l[q][i] * x[index[q]];
            }
            x[index[i]] = sum / l[i][i];
            if (x[index[i]] < 0) {
                return null;
            }
        }
        return x;
    }
}
