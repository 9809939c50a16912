package dev.powersweep.fitting.allocation;

import dev.powersweep.fitting.result.FitResult;
import dev.powersweep.fitting.runs.Quantity;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Locale;

/**
 * How far a plan lies outside the fitted runs along one direction.
 *
 * @param axis N, D or C
 * @param value of the plan
 * @param edge the largest fitted value, or the smallest where the plan lies below it
 * @param factor value over edge, or edge over value, above 1
 */
public record Extrapolation(Quantity axis, double value, double edge, double factor) {
    /** From here on a plan says how far it is extrapolated. */
    public static final double TOLD = 4;

    /** Outside the runs by more than this a number is no prediction. */
    public static final double REFUSED = 100;

    /** Directions in which an optimum lies outside the rows of the fit, by more than {@link #TOLD}. */
    static List<Extrapolation> of(FitResult fit, Optimum optimum) {
        List<Extrapolation> outside = new ArrayList<>();
        add(outside, fit, Quantity.N, optimum.n());
        add(outside, fit, Quantity.D, optimum.d());
        add(outside, fit, Quantity.C, optimum.flops());
        return outside;
    }

    private static void add(List<Extrapolation> outside, FitResult fit, Quantity axis, double value) {
        double[] fitted = fit.residuals().stream()
                .filter(residual -> residual.at().has(axis))
                .mapToDouble(residual -> residual.at().get(axis))
                .sorted()
                .toArray();
        if (fitted.length == 0) {
            return;
        }
        double largest = fitted[fitted.length - 1];
        double smallest = Arrays.stream(fitted).min().orElseThrow();
        if (value >= TOLD * largest) {
            outside.add(new Extrapolation(axis, value, largest, value / largest));
        } else if (value <= smallest / TOLD) {
            outside.add(new Extrapolation(axis, value, smallest, smallest / value));
        }
    }

    /** Whether the plan lies so far outside the fitted runs that its numbers are no predictions. */
    public boolean refused() {
        return factor > REFUSED;
    }

    /** Whether the plan lies above the largest that was fitted rather than below the smallest. */
    public boolean above() {
        return value > edge;
    }

    /** One sentence for people. */
    public String sentence() {
        return String.format(
                Locale.ROOT,
                "The plan's %s of %.3g %s is %.3g times %s fitted (%.3g): it is extrapolated.",
                axis.label(),
                value,
                axis.unit(),
                factor,
                above() ? "the largest that was" : "below the smallest that was",
                edge);
    }
}
