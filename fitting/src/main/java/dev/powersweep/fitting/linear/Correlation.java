package dev.powersweep.fitting.linear;

import java.util.Arrays;

/** Pearson's correlation of two columns of equal length, −1 … 1; NaN where one of them is constant. */
public final class Correlation {
    private Correlation() {}

    /** Of the values as they are. */
    public static double of(double[] a, double[] b) {
        double meanA = Arrays.stream(a).average().orElse(Double.NaN);
        double meanB = Arrays.stream(b).average().orElse(Double.NaN);
        double aa = 0;
        double ab = 0;
        double bb = 0;
        for (int i = 0; i < a.length; i++) {
            double x = a[i] - meanA;
            double y = b[i] - meanB;
            aa += x * x;
            ab += x * y;
            bb += y * y;
        }
        return ab / Math.sqrt(aa * bb);
    }

    /** Of the logarithms of positive values. */
    public static double ofLogs(double[] a, double[] b) {
        return of(
                Arrays.stream(a).map(Math::log).toArray(),
                Arrays.stream(b).map(Math::log).toArray());
    }
}
