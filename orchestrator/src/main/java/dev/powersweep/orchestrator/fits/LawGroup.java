package dev.powersweep.orchestrator.fits;

import dev.powersweep.fitting.Fitter;
import dev.powersweep.fitting.comparison.Comparison;
import dev.powersweep.fitting.law.Law;
import dev.powersweep.fitting.law.ParametricLaw;
import dev.powersweep.fitting.result.FitOptions;
import dev.powersweep.fitting.result.FitResult;
import dev.powersweep.fitting.runs.FitRefusal;
import dev.powersweep.fitting.runs.Observations;
import dev.powersweep.fitting.runs.Quantity;
import dev.powersweep.fitting.uncertainty.Refits;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.Optional;

/** Laws fitted to the same rows; those that predict the loss of a finished run are compared with each other. */
final class LawGroup {
    private LawGroup() {}

    /**
     * Fits every law.
     *
     * @param selection which rows these are, in words
     * @param outcomes filled, by law
     * @return which law describes the rows better; empty where fewer than two can be compared
     */
    static Optional<String> fit(
            List<Law> laws,
            Observations rows,
            String selection,
            FitOptions options,
            Refits.Runner refits,
            Map<String, FitSet.Outcome> outcomes) {
        List<Law> rivals = new ArrayList<>();
        for (Law law : laws) {
            if (predictsLoss(law)) {
                rivals.add(law);
            } else {
                outcomes.put(law.name(), one(law, rows, selection, options, refits));
            }
        }
        Comparison comparison = Fitter.compare(rivals, rows, options, refits);
        for (Law law : rivals) {
            for (FitResult fit : comparison.fits()) {
                if (fit.law().equals(law.name())) {
                    outcomes.put(law.name(), new FitSet.Fitted(law.title(), selection, fit));
                }
            }
            for (Comparison.Refused refused : comparison.refused()) {
                if (refused.law().equals(law.name())) {
                    outcomes.put(law.name(), refused(law, selection, refused.refusal()));
                }
            }
        }
        return comparable(comparison.fits()) ? Optional.of(comparison.verdict()) : Optional.empty();
    }

    /** With hardly more rows than parameters AICc is not defined, and nothing can be said. */
    private static boolean comparable(List<FitResult> fits) {
        return fits.size() > 1
                && fits.stream()
                        .limit(2)
                        .allMatch(fit -> Double.isFinite(fit.quality().aicc()));
    }

    private static FitSet.Outcome one(
            Law law, Observations rows, String selection, FitOptions options, Refits.Runner refits) {
        try {
            return new FitSet.Fitted(law.title(), selection, Fitter.fit(law, rows, options, refits));
        } catch (FitRefusal refusal) {
            return refused(law, selection, refusal);
        }
    }

    static FitSet.Refused refused(Law law, String selection, FitRefusal refusal) {
        return new FitSet.Refused(law.name(), law.title(), selection, refusal.reason(), refusal.sentence());
    }

    static boolean predictsLoss(Law law) {
        return law instanceof ParametricLaw parametric
                && parametric.response() == Quantity.LOSS
                && !law.needs().contains(Quantity.STEP);
    }
}
