package dev.powersweep.fitting.optimise;

/**
 * Sums over rows of their first derivatives {@code g}, which lie row after row in one array, {@code p} numbers each.
 *
 * <p>These loops are where refits spend their time. Five parameters, as approach 3 has, are written out so that sums stay in
 * registers; the general loops give the same numbers up to rounding.
 */
final class RowSums {
    private RowSums() {}

    /** Adds {@code Σ factor·g·g'} to the lower triangle of a row-major matrix. */
    static void addSquares(int p, double[] g, double[] factor, int rows, double[] matrix) {
        if (p == 5) {
            addSquares5(g, factor, rows, matrix);
            return;
        }
        for (int i = 0, at = 0; i < rows; i++, at += p) {
            double f = factor[i];
            for (int j = 0; j < p; j++) {
                double gj = f * g[at + j];
                for (int k = 0, line = j * p; k <= j; k++) {
                    matrix[line + k] += gj * g[at + k];
                }
            }
        }
    }

    private static void addSquares5(double[] g, double[] factor, int rows, double[] matrix) {
        double s00 = 0;
        double s10 = 0;
        double s11 = 0;
        double s20 = 0;
        double s21 = 0;
        double s22 = 0;
        double s30 = 0;
        double s31 = 0;
        double s32 = 0;
        double s33 = 0;
        double s40 = 0;
        double s41 = 0;
        double s42 = 0;
        double s43 = 0;
        double s44 = 0;
        for (int i = 0, at = 0; i < rows; i++, at += 5) {
            double f = factor[i];
            double a = g[at];
            double b = g[at + 1];
            double c = g[at + 2];
            double d = g[at + 3];
            double e = g[at + 4];
            double fa = f * a;
            s00 += fa * a;
            s10 += fa * b;
            s20 += fa * c;
            s30 += fa * d;
            s40 += fa * e;
            double fb = f * b;
            s11 += fb * b;
            s21 += fb * c;
            s31 += fb * d;
            s41 += fb * e;
            double fc = f * c;
            s22 += fc * c;
            s32 += fc * d;
            s42 += fc * e;
            double fd = f * d;
            s33 += fd * d;
            s43 += fd * e;
            s44 += f * e * e;
        }
        matrix[0] += s00;
        matrix[5] += s10;
        matrix[6] += s11;
        matrix[10] += s20;
        matrix[11] += s21;
        matrix[12] += s22;
        matrix[15] += s30;
        matrix[16] += s31;
        matrix[17] += s32;
        matrix[18] += s33;
        matrix[20] += s40;
        matrix[21] += s41;
        matrix[22] += s42;
        matrix[23] += s43;
        matrix[24] += s44;
    }

    /** Adds {@code Σ factor·g}. */
    static void add(int p, double[] g, double[] factor, int rows, double[] sum) {
        if (p == 5) {
            double a = 0;
            double b = 0;
            double c = 0;
            double d = 0;
            double e = 0;
            for (int i = 0, at = 0; i < rows; i++, at += 5) {
                double f = factor[i];
                a += f * g[at];
                b += f * g[at + 1];
                c += f * g[at + 2];
                d += f * g[at + 3];
                e += f * g[at + 4];
            }
            sum[0] += a;
            sum[1] += b;
            sum[2] += c;
            sum[3] += d;
            sum[4] += e;
            return;
        }
        for (int i = 0, at = 0; i < rows; i++, at += p) {
            double f = factor[i];
            for (int j = 0; j < p; j++) {
                sum[j] += f * g[at + j];
            }
        }
    }

    /** Every row's {@code g·along}. */
    static void products(int p, double[] g, double[] along, int rows, double[] product) {
        if (p == 5) {
            double a = along[0];
            double b = along[1];
            double c = along[2];
            double d = along[3];
            double e = along[4];
            for (int i = 0, at = 0; i < rows; i++, at += 5) {
                product[i] = g[at] * a + g[at + 1] * b + g[at + 2] * c + g[at + 3] * d + g[at + 4] * e;
            }
            return;
        }
        for (int i = 0, at = 0; i < rows; i++, at += p) {
            double sum = 0;
            for (int j = 0; j < p; j++) {
                sum += g[at + j] * along[j];
            }
            product[i] = sum;
        }
    }
}
