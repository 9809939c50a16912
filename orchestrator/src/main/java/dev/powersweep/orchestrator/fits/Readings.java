package dev.powersweep.orchestrator.fits;

import dev.powersweep.fitting.result.Estimate;
import dev.powersweep.fitting.result.FitResult;
import dev.powersweep.fitting.runs.Quantity;
import dev.powersweep.orchestrator.text.Numbers;
import java.util.ArrayList;
import java.util.Comparator;
import java.util.List;

/** Says in plain words what fits mean. */
final class Readings {
    /** The factor of compute for which the best sizes are told. */
    private static final double MORE = 10;

    /** Laws whose exponents say how to share compute, best supported first; the tied law assumes the answer. */
    private static final List<String> ALLOCATING =
            List.of("chinchilla", "three-term", "isoflop", "envelope", "kaplan-nd");

    private static final double VAGUE = 0.4;
    /** A floor whose interval begins below this share of it is not determined. */
    private static final double SURE = 0.5;

    /** Scatter of ln L beyond this is no seed noise (Kaplan et al. 2020 see 0.02). */
    private static final double ROUGH = 0.03;

    private Readings() {}

    static List<Reading> of(List<FitSet.Outcome> outcomes) {
        List<FitResult> fits = new ArrayList<>();
        for (FitSet.Outcome outcome : outcomes) {
            if (outcome instanceof FitSet.Fitted fitted) {
                fits.add(fitted.result());
            }
        }
        List<Reading> readings = new ArrayList<>();
        ALLOCATING.stream()
                .flatMap(law -> fits.stream().filter(fit -> fit.law().equals(law)))
                .filter(Readings::allocates)
                .min(Comparator.comparing(fit -> vague(fit.derived().get("a"))))
                .ifPresent(fit -> {
                    readings.add(allocation(fit));
                    if (fit.response() == Quantity.LOSS && fit.quality().noise() > ROUGH) {
                        readings.add(rough(fit));
                    }
                });
        for (FitResult fit : fits) {
            irreducible(fit, readings);
        }
        fits.stream()
                .filter(fit -> fit.parameters().containsKey("B_crit")
                        && fit.convergence().certified())
                .findFirst()
                .ifPresent(fit -> readings.add(criticalBatch(fit)));
        return readings;
    }

    private static boolean allocates(FitResult fit) {
        return fit.derived().containsKey("a")
                && fit.derived().containsKey("b")
                && fit.convergence().certified();
    }

    /** Whether the interval of an exponent says hardly more than that it lies between 0 and 1. */
    private static boolean vague(Estimate exponent) {
        return exponent.hasInterval() && exponent.high() - exponent.low() > VAGUE;
    }

    private static Reading allocation(FitResult fit) {
        Estimate a = fit.derived().get("a");
        Estimate b = fit.derived().get("b");
        if (vague(a)) {
            return new Reading(
                    "These runs cannot say how to share more compute between model and data: for "
                            + Numbers.count(MORE) + "× the compute the model might grow by anything from "
                            + Numbers.times(Math.pow(MORE, a.low())) + " to " + Numbers.times(Math.pow(MORE, a.high()))
                            + ". More sizes, further apart, would tell.",
                    fit.law() + ": N_opt ∝ C^" + Numbers.fixed(a.value(), 3) + interval(a) + ", from " + fit.runs()
                            + " runs.");
        }
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

    private static Reading rough(FitResult fit) {
        return new Reading(
                "The law misses single runs by about "
                        + Numbers.percent(fit.quality().noise(), 2)
                        + " of the loss, more than seeds usually differ: look at the loss curves for spikes, plateaus and"
                        + " runs cut too short before trusting its exponents.",
                fit.law() + ": noise of ln L " + Numbers.fixed(fit.quality().noise(), 3) + ", R² "
                        + Numbers.fixed(fit.quality().rSquared(), 3) + ".");
    }

    private static Reading criticalBatch(FitResult fit) {
        Estimate critical = fit.parameters().get("B_crit");
        String range = critical.hasInterval()
                ? " (" + Numbers.count(critical.low()) + " … " + Numbers.count(critical.high()) + ")"
                : "";
        return new Reading(
                "Batches well below " + Numbers.count(critical.value(), 2)
                        + " tokens waste hardly any data; well above it, a larger batch hardly saves steps.",
                fit.law() + ": B_crit = " + Numbers.count(critical.value()) + range + " tokens.");
    }

    private static void irreducible(FitResult fit, List<Reading> readings) {
        Estimate e = fit.parameters().get("E");
        if (e == null || !fit.law().equals("chinchilla")) {
            return;
        }
        if (e.hasInterval() && e.low() < SURE * e.value()) {
            readings.add(new Reading(
                    "The runs do not determine the floor of the loss: anything from " + Numbers.fixed(e.low(), 2)
                            + " to " + Numbers.fixed(e.high(), 2) + " nats per token agrees with them.",
                    fit.law() + ": E = " + Numbers.fixed(e.value(), 3) + interval(e) + "."));
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
