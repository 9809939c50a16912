package dev.powersweep.orchestrator.text;

import java.math.BigDecimal;
import java.math.MathContext;
import java.util.Locale;

/** Numbers as people read them; the same whatever the locale. */
public final class Numbers {
    private static final String SUPERSCRIPTS = "⁰¹²³⁴⁵⁶⁷⁸⁹";

    private Numbers() {}

    /** A count on the short scale: 640, 20.5k, 1.5M, 3B, 2T. */
    public static String count(double value) {
        return count(value, 3);
    }

    /** With {@code digits} significant digits; four or more leave whole numbers below ten thousand as they are. */
    public static String count(double value, int digits) {
        double size = Math.abs(value);
        if (size < 10_000 && size == Math.rint(size) && digits >= 4) {
            return String.format(Locale.ROOT, "%,d", (long) value).replace('-', '−');
        }
        if (size >= 999.5e12) {
            return power(value, digits);
        }
        String[] units = {"T", "B", "M", "k"};
        double[] scales = {1e12, 1e9, 1e6, 1e3};
        for (int i = 0; i < units.length; i++) {
            if (size >= scales[i] * (1 - 0.5 * Math.pow(10, -digits))) {
                return plain(value / scales[i], digits) + units[i];
            }
        }
        return plain(value, digits);
    }

    /** m·10ⁿ with {@code digits} significant digits. */
    public static String power(double value, int digits) {
        if (value == 0 || !Double.isFinite(value)) {
            return plain(value, digits);
        }
        BigDecimal rounded = new BigDecimal(value).round(new MathContext(digits));
        int exponent = rounded.precision() - rounded.scale() - 1;
        String mantissa = plain(rounded.scaleByPowerOfTen(-exponent).doubleValue(), digits);
        return (mantissa.equals("1") ? "" : mantissa + "·") + "10" + superscript(exponent);
    }

    /** {@code digits} significant digits; very large and very small values as powers of ten. */
    public static String significant(double value, int digits) {
        double size = Math.abs(value);
        return size != 0 && (size >= 1e6 || size < 1e-4) ? power(value, digits) : plain(value, digits);
    }

    /** {@code decimals} digits after the point. */
    public static String fixed(double value, int decimals) {
        return Double.isFinite(value)
                ? String.format(Locale.ROOT, "%." + decimals + "f", value).replace('-', '−')
                : "–";
    }

    /** A share of one as per cent. */
    public static String percent(double share, int digits) {
        return plain(100 * share, digits) + " %";
    }

    /** A factor: 3.2×. */
    public static String times(double factor) {
        return count(factor, 2) + "×";
    }

    /** A span of time: 45 s, 3 min 20 s, 2 h 5 min, 3.2 d. */
    public static String duration(double seconds) {
        if (!Double.isFinite(seconds)) {
            return "–";
        }
        if (seconds < 90) {
            return plain(seconds, seconds < 10 ? 2 : 3) + " s";
        }
        long whole = Math.round(seconds);
        if (whole < 3600) {
            return whole / 60 + " min " + whole % 60 + " s";
        }
        if (whole < 100 * 3600) {
            return whole / 3600 + " h " + whole % 3600 / 60 + " min";
        }
        return plain(seconds / 86400, 3) + " days";
    }

    private static String plain(double value, int digits) {
        if (!Double.isFinite(value)) {
            return Double.isNaN(value) ? "–" : value > 0 ? "∞" : "−∞";
        }
        BigDecimal rounded = new BigDecimal(value).round(new MathContext(digits));
        return (rounded.signum() == 0 ? BigDecimal.ZERO : rounded.stripTrailingZeros())
                .toPlainString()
                .replace('-', '−');
    }

    private static String superscript(int number) {
        StringBuilder raised = new StringBuilder(number < 0 ? "⁻" : "");
        for (char digit : Integer.toString(Math.abs(number)).toCharArray()) {
            raised.append(SUPERSCRIPTS.charAt(digit - '0'));
        }
        return raised.toString();
    }
}
