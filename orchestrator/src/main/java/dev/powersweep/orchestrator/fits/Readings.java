package dev.powersweep.orchestrator.fits;

import dev.powersweep.fitting.Estimate;
import dev.powersweep.fitting.FitResult;
import dev.powersweep.orchestrator.text.Numbers;
import java.util.ArrayList;
import java.util.List;

/** Says in plain words what fits mean. */
final class Readings {
    /** The question everybody asks: what to do with so many times the compute. */
    private static final double MORE = 10;

    /** Laws whose exponents say how to share compute, best supported first. */
    private static final List<String> ALLOCATING =
            List.of("chinchilla", "three-term", "chinchilla-tied", "isoflop", "envelope", "kaplan-nd");

    private Readings() {}

    static List<Reading> of(List<FitOutcome> outcomes) {
        List<FitResult> fits = new ArrayList<>();
        for (FitOutcome outcome : outcomes) {
            if (outcome instanceof FitOutcome.Fitted fitted) {
                fits.add(fitted.result());
            }
        }
        List<Reading> readings = new ArrayList<>();
        ALLOCATING.stream()
                .flatMap(law -> fits.stream().filter(fit -> fit.law().equals(law)))
                .filter(Readings::allocates)
                .findFirst()
                .ifPresent(fit -> readings.add(allocation(fit)));
        for (FitResult fit : fits) {
            irreducible(fit, readings);
        }
        return readings;
    }

    private static boolean allocates(FitResult fit) {
        return fit.derived().containsKey("a") && fit.derived().containsKey("b");
    }

    private static Reading allocation(FitResult fit) {
        Estimate a = fit.derived().get("a");
        Estimate b = fit.derived().get("b");
        String sentence = "For " + Numbers.count(MORE) + "× the compute, make the model "
                + Numbers.times(Math.pow(MORE, a.value())) + " larger and train it on "
                + Numbers.times(Math.pow(MORE, b.value())) + " the data";
        if (a.hasInterval()) {
            sentence += "; the data allow anything from " + Numbers.times(Math.pow(MORE, a.low())) + " to "
                    + Numbers.times(Math.pow(MORE, a.high())) + " for the model";
        }
        return new Reading(
                sentence + ".",
                fit.law() + ": N_opt ∝ C^" + Numbers.fixed(a.value(), 3) + interval(a) + ", D_opt ∝ C^"
                        + Numbers.fixed(b.value(), 3) + ", from " + fit.runs() + " runs.");
    }

    private static void irreducible(FitResult fit, List<Reading> readings) {
        Estimate e = fit.parameters().get("E");
        if (e == null || !fit.law().equals("chinchilla")) {
            return;
        }
        readings.add(
                e.value() > 1e-3
                        ? new Reading(
                                "No model of this kind would get below a loss of " + Numbers.fixed(e.value(), 2)
                                        + " nats per token on this text, however large and however long it is trained.",
                                fit.law() + ": E = " + Numbers.fixed(e.value(), 3) + interval(e) + ".")
                        : new Reading(
                                "The runs show no floor to the loss yet: larger scales are needed to see one.",
                                fit.law() + ": E = " + Numbers.significant(e.value(), 2) + interval(e) + "."));
    }

    private static String interval(Estimate estimate) {
        return estimate.hasInterval()
                ? " (" + Numbers.fixed(estimate.low(), 3) + " … " + Numbers.fixed(estimate.high(), 3) + ")"
                : "";
    }
}
