package dev.powersweep.fitting.result;

/**
 * A number with its interval.
 *
 * @param value the estimate
 * @param low lower end of the interval, NaN where none was computed
 * @param high upper end of the interval, NaN where none was computed
 * @param unit what it is counted in; "1" for a pure number
 */
public record Estimate(double value, double low, double high, String unit) {
    /** An estimate without interval. */
    public static Estimate of(double value, String unit) {
        return new Estimate(value, Double.NaN, Double.NaN, unit);
    }

    /** Whether an interval was computed. */
    public boolean hasInterval() {
        return !Double.isNaN(low) && !Double.isNaN(high);
    }
}
