package dev.powersweep.fitting.optimise;

import dev.powersweep.fitting.runs.FitRefusal;
import java.util.Arrays;
import java.util.Locale;
import java.util.stream.Collectors;

/**
 * What a fit minimises: the weighted sum over rows of a function of the residual.
 *
 * <p>The residual is {@code ln predicted − ln observed} or {@code predicted − observed}. Huber's function is
 * {@code r²/2} for {@code |r| ≤ δ} and {@code δ(|r| − δ/2)} beyond; the squared error is {@code r²}, without the half.
 */
public enum Objective {
    /** Huber on log residuals, the objective of Hoffmann et al. 2022 (their δ is 1e-3). */
    HUBER_LOG("huber-log", true, true),
    /** Huber on residuals in nats. */
    HUBER_RAW("huber-raw", true, false),
    /** Squared error of the logarithm. */
    MSE_LOG("mse-log", false, true),
    /** Squared error in nats². */
    MSE_RAW("mse-raw", false, false);

    private final String label;
    private final boolean huber;
    private final boolean log;

    Objective(String label, boolean huber, boolean log) {
        this.label = label;
        this.huber = huber;
        this.log = log;
    }

    /** The name scripts use. */
    public String label() {
        return label;
    }

    /** Whether residuals beyond δ count linearly. */
    public boolean huber() {
        return huber;
    }

    /** Whether residuals are differences of logarithms. */
    public boolean log() {
        return log;
    }

    /** The function of one residual. */
    public double of(double residual, double delta) {
        if (!huber) {
            return residual * residual;
        }
        double size = Math.abs(residual);
        return size <= delta ? 0.5 * residual * residual : delta * (size - 0.5 * delta);
    }

    /**
     * @throws FitRefusal BAD_OPTION naming the objectives there are
     */
    public static Objective byName(String name) {
        for (Objective objective : values()) {
            if (objective.label.equals(name.toLowerCase(Locale.ROOT))) {
                return objective;
            }
        }
        throw new FitRefusal(
                FitRefusal.Reason.BAD_OPTION,
                "There is no objective named " + name + "; choose one of "
                        + Arrays.stream(values()).map(Objective::label).collect(Collectors.joining(", ")) + ".");
    }
}
