package dev.powersweep.orchestrator.runtable;

import java.util.Arrays;
import java.util.Locale;

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

    static String text(double value) {
        boolean whole = value == Math.rint(value) && Math.abs(value) < 1e6;
        return whole
                ? Long.toString((long) value)
                : String.format(Locale.ROOT, "%.4g", value)
                        .replaceAll("(\\.\\d*?)0+(e|$)", "$1$2")
                        .replaceAll("\\.(e|$)", "$1");
    }
}
