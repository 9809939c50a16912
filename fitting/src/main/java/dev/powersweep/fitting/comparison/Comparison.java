package dev.powersweep.fitting.comparison;

import dev.powersweep.fitting.result.FitResult;
import dev.powersweep.fitting.runs.FitRefusal;
import java.util.ArrayList;
import java.util.Comparator;
import java.util.List;
import java.util.Locale;

/**
 * Rival laws on the same rows.
 *
 * @param fits what could be fitted, the lowest AICc first
 * @param refused what could not, with the reason
 * @param verdict one or two sentences for people
 */
public record Comparison(List<FitResult> fits, List<Refused> refused, String verdict) {
    /** Copies the lists. */
    public Comparison {
        fits = List.copyOf(fits);
        refused = List.copyOf(refused);
    }

    /**
     * A law that could not be fitted.
     *
     * @param law its name
     * @param refusal why
     */
    public record Refused(String law, FitRefusal refusal) {}

    /** Compares fits to the same rows by AICc and by hold-out error. */
    public static Comparison of(List<FitResult> fits, List<Refused> refused) {
        List<FitResult> sorted = new ArrayList<>(fits);
        sorted.sort(Comparator.comparingDouble(fit -> fit.quality().aicc()));
        return new Comparison(sorted, refused, verdict(sorted));
    }

    private static String verdict(List<FitResult> fits) {
        if (fits.isEmpty()) {
            return "None of the laws could be fitted to these runs.";
        }
        FitResult best = fits.get(0);
        if (fits.size() == 1) {
            return "Only " + best.law() + " could be fitted: there is nothing to compare it with.";
        }
        FitResult second = fits.get(1);
        double gap = second.quality().aicc() - best.quality().aicc();
        if (Double.isNaN(gap)) {
            return "There are too few rows beside the parameters of " + second.law()
                    + " for an AICc: which law describes the runs better cannot be said." + outlook(fits, best);
        }
        String strength = gap < 2
                ? best.law() + " and " + second.law() + " describe the runs equally well"
                : gap < 10
                        ? best.law() + " describes the runs somewhat better than " + second.law()
                        : best.law() + " describes the runs clearly better than " + second.law();
        String sentence = strength + String.format(Locale.ROOT, " (AICc lower by %.1f).", gap);
        return sentence + outlook(fits, best);
    }

    /** Which law predicts larger scales best. */
    private static String outlook(List<FitResult> fits, FitResult best) {
        FitResult predictor = fits.stream()
                .filter(fit -> fit.rollOutError().isPresent())
                .min(Comparator.comparingDouble(fit -> fit.rollOutError().orElseThrow()))
                .orElse(null);
        if (predictor == null) {
            return " There were too few scales to hold one out.";
        }
        String error = String.format(
                Locale.ROOT, " (error %.2f %%).", 100 * predictor.rollOutError().orElseThrow());
        boolean known = Double.isFinite(best.quality().aicc());
        return predictor == best && known
                ? " It also predicts larger scales best from the smaller ones" + error
                : (known ? " But " : " ") + predictor.law() + " predicts larger scales best from the smaller ones"
                        + error;
    }
}
