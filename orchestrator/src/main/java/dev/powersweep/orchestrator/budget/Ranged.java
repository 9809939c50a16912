package dev.powersweep.orchestrator.budget;

/** A value and its interval; the ends are NaN where there is none. */
public record Ranged(double value, double low, double high) {
    public boolean hasInterval() {
        return !Double.isNaN(low) && !Double.isNaN(high);
    }
}
