package dev.powersweep.orchestrator.runtable;

import java.util.Arrays;
import java.util.Locale;
import java.util.OptionalDouble;

/** Numbers of a column taken together, and as messages write them. */
final class Quantities {
    private Quantities() {}

    /** The middle one, the upper of two; NaN where there are none. */
    static double median(double[] values) {
        return quantile(values, 0.5);
    }

    /** The value below which a share of them lies; NaN where there are none. */
    static double quantile(double[] values, double share) {
        double[] sorted = values.clone();
        Arrays.sort(sorted);
        return sorted.length == 0
                ? Double.NaN
                : sorted[Math.min(sorted.length - 1, (int) Math.floor(share * sorted.length))];
    }

    /** Whether two factors are one up to rounding and partial batches. */
    static boolean near(double one, double other, double tolerance) {
        return Math.abs(Math.log(one / other)) <= Math.log1p(tolerance);
    }

    /** Whether all of them are one up to this share. */
    static boolean constant(double[] values, double tolerance) {
        return near(quantile(values, 0), quantile(values, 1), tolerance);
    }

    /** Whether a factor is a power of two as contexts are, from 32 to about a million. */
    static boolean context(double factor) {
        double power = Math.rint(Math.log(factor) / Math.log(2));
        return power >= 5 && power <= 20 && near(factor, Math.pow(2, power), 0.05);
    }

    /** Spearman's rank correlation, ties at their mean rank; empty where one of both is constant. */
    static OptionalDouble rankCorrelation(double[] xs, double[] ys) {
        double[] rx = ranks(xs);
        double[] ry = ranks(ys);
        double middle = (xs.length - 1) / 2.0;
        double xx = 0;
        double yy = 0;
        double xy = 0;
        for (int i = 0; i < xs.length; i++) {
            xx += (rx[i] - middle) * (rx[i] - middle);
            yy += (ry[i] - middle) * (ry[i] - middle);
            xy += (rx[i] - middle) * (ry[i] - middle);
        }
        return xx == 0 || yy == 0 ? OptionalDouble.empty() : OptionalDouble.of(xy / Math.sqrt(xx * yy));
    }

    private static double[] ranks(double[] values) {
        double[] sorted = values.clone();
        Arrays.sort(sorted);
        double[] ranks = new double[values.length];
        for (int i = 0; i < values.length; i++) {
            int first = Arrays.binarySearch(sorted, values[i]);
            int last = first;
            while (first > 0 && sorted[first - 1] == values[i]) {
                first--;
            }
            while (last < sorted.length - 1 && sorted[last + 1] == values[i]) {
                last++;
            }
            ranks[i] = (first + last) / 2.0;
        }
        return ranks;
    }

    /** A factor as {@code --columns} takes it: 1000, 1e9, 1.5. */
    static String factor(double value) {
        return String.format(Locale.ROOT, "%.6g", value)
                .replaceAll("(\\.\\d*?)0+(e|$)", "$1$2")
                .replaceAll("\\.(e|$)", "$1")
                .replace("e+", "e")
                .replaceAll("e(-?)0(\\d)", "e$1$2");
    }

    static String text(double value) {
        boolean whole = value == Math.rint(value) && Math.abs(value) < 1e6;
        return whole
                ? Long.toString((long) value)
                : String.format(Locale.ROOT, "%.4g", value)
                        .replaceAll("(\\.\\d*?)0+(e|$)", "$1$2")
                        .replaceAll("\\.(e|$)", "$1");
    }
}
