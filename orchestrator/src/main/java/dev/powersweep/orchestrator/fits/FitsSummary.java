package dev.powersweep.orchestrator.fits;

import dev.powersweep.fitting.result.Estimate;
import dev.powersweep.fitting.result.FitResult;
import dev.powersweep.orchestrator.text.Numbers;
import java.util.Locale;
import java.util.stream.Collectors;

/** Fits as a few lines: what a sweep ends with. {@link FitsText} has the rest. */
public final class FitsSummary {
    private static final int DIGITS = 3;
    private static final int VERDICT = 120;

    private FitsSummary() {}

    /** A line for each law, its warnings, and what the fits mean. */
    public static String write(FitSet set) {
        StringBuilder text = new StringBuilder();
        int width = set.fitted().stream()
                .mapToInt(fitted -> fitted.law().length())
                .max()
                .orElse(0);
        for (FitSet.Fitted fitted : set.fitted()) {
            text.append(String.format(Locale.ROOT, "%-" + (width + 2) + "s", fitted.law()))
                    .append(line(fitted.result()))
                    .append('\n');
        }
        for (FitSet.Fitted fitted : set.fitted()) {
            FitsText.warnings(fitted.result()).forEach(warning -> text.append("mind: ")
                    .append(fitted.law())
                    .append(": ")
                    .append(warning)
                    .append('\n'));
        }
        if (!set.refused().isEmpty()) {
            text.append("not fitted: ")
                    .append(set.refused().stream().map(FitSet.Refused::law).collect(Collectors.joining(", ")))
                    .append('\n');
        }
        set.readings()
                .forEach(reading -> text.append("• ").append(reading.sentence()).append('\n'));
        return text.toString();
    }

    private static String line(FitResult fit) {
        String parameters = fit.parameters().entrySet().stream()
                .map(entry -> entry.getKey() + " " + estimate(entry.getValue()))
                .collect(Collectors.joining(", "));
        String doubt = fit.convergence().certified() ? "" : "; minimum NOT certified";
        String tested = fit.axes().entrySet().stream()
                .map(entry -> entry.getKey().label() + " "
                        + Numbers.percent(entry.getValue().error(), 2) + " (no change "
                        + Numbers.percent(entry.getValue().baseline(), 2) + ")")
                .collect(Collectors.joining(", "));
        doubt += tested.isEmpty() ? "" : "; largest scale left out: " + tested;
        return parameters + doubt + " — " + shortened(fit.identifiability().verdict());
    }

    private static String shortened(String verdict) {
        return verdict.length() <= VERDICT ? verdict : verdict.substring(0, VERDICT) + "…";
    }

    private static String estimate(Estimate estimate) {
        String value = Numbers.significant(estimate.value(), DIGITS);
        return estimate.hasInterval()
                ? value + " (" + Numbers.significant(estimate.low(), DIGITS) + " … "
                        + Numbers.significant(estimate.high(), DIGITS) + ")"
                : value;
    }
}
