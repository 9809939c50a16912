package dev.powersweep.orchestrator.fits;

import dev.powersweep.fitting.result.FitResult;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.OptionalDouble;

/**
 * The laws that the data accept, and that sentences are about: of laws fitted to the same rows those whose AICc lies within 10 of the
 * best and whose hold-out error within twice the best. Laws without an AICc, read off the runs, stand by themselves.
 */
final class Accepted {
    private static final double AICC = 10;
    private static final double HOLD_OUT = 2;

    /** Said of every range over several laws. */
    static final String RULE = "AICc within 10 of the best and hold-out error within twice the best";

    private Accepted() {}

    /** The certified fits among the outcomes that the data accept, in their order. */
    static List<FitResult> of(List<FitSet.Outcome> outcomes) {
        Map<String, List<FitResult>> groups = new LinkedHashMap<>();
        List<FitResult> all = new ArrayList<>();
        for (FitSet.Outcome outcome : outcomes) {
            if (outcome instanceof FitSet.Fitted fitted
                    && fitted.result().convergence().certified()) {
                FitResult fit = fitted.result();
                all.add(fit);
                groups.computeIfAbsent(
                                fitted.selection() + "/" + fit.rows() + "/" + fit.response(), key -> new ArrayList<>())
                        .add(fit);
            }
        }
        List<FitResult> accepted = new ArrayList<>();
        groups.values().forEach(group -> accepted.addAll(among(group)));
        return all.stream().filter(accepted::contains).toList();
    }

    private static List<FitResult> among(List<FitResult> rivals) {
        double lowest = rivals.stream()
                .mapToDouble(fit -> fit.quality().aicc())
                .filter(Double::isFinite)
                .min()
                .orElse(Double.NaN);
        List<FitResult> described = rivals.stream()
                .filter(fit ->
                        !Double.isFinite(fit.quality().aicc()) || fit.quality().aicc() <= lowest + AICC)
                .toList();
        OptionalDouble best = described.stream()
                .filter(fit -> Double.isFinite(fit.quality().aicc()))
                .flatMapToDouble(fit -> fit.rollOutError().stream())
                .min();
        return described.stream()
                .filter(fit -> !Double.isFinite(fit.quality().aicc())
                        || best.isEmpty()
                        || fit.rollOutError().isEmpty()
                        || fit.rollOutError().getAsDouble() <= HOLD_OUT * best.getAsDouble())
                .toList();
    }
}
