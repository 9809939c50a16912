package dev.powersweep.fitting.comparison;

import dev.powersweep.fitting.batch.ThreeTerm;
import dev.powersweep.fitting.result.FitOptions;
import dev.powersweep.fitting.result.FitResult;
import dev.powersweep.fitting.runs.FitRefusal;
import dev.powersweep.fitting.runs.Observations;
import dev.powersweep.fitting.uncertainty.ParametricFit;
import java.util.ArrayList;
import java.util.Comparator;
import java.util.List;
import java.util.Locale;

/**
 * Whether the critical batch size is constant or follows the data, the model size or the loss: the four three-term laws
 * fitted jointly to the same final losses and compared by AICc.
 *
 * @param fits by increasing AICc, the best first
 */
public record CriticalBatchComparison(List<FitResult> fits) {
    /** A difference in AICc that is usually called strong (Burnham & Anderson 2002). */
    private static final double STRONG = 6;

    /** Takes a copy. */
    public CriticalBatchComparison {
        fits = List.copyOf(fits);
    }

    /**
     * Fits the four laws.
     *
     * @throws FitRefusal where the runs allow none of them
     */
    public static CriticalBatchComparison of(Observations runs, FitOptions options) {
        List<FitResult> fits = new ArrayList<>();
        for (ThreeTerm law :
                List.of(ThreeTerm.constant(), ThreeTerm.byData(), ThreeTerm.bySize(), ThreeTerm.byLoss())) {
            fits.add(ParametricFit.fit(law, runs, options.bootstrap(0).plain()));
        }
        fits.sort(Comparator.comparingDouble(fit -> fit.quality().aicc()));
        return new CriticalBatchComparison(fits);
    }

    /** The law of lowest AICc. */
    public FitResult best() {
        return fits.get(0);
    }

    /** One or two sentences: which law describes the losses best, and how surely. */
    public String verdict() {
        double lead = fits.get(1).quality().aicc() - best().quality().aicc();
        StringBuilder figures = new StringBuilder();
        for (FitResult fit : fits) {
            figures.append(figures.isEmpty() ? "" : ", ")
                    .append(shortName(fit))
                    .append(String.format(Locale.ROOT, " %.1f", fit.quality().aicc()));
        }
        String kind =
                switch (best().law()) {
                    case "three-term-data" -> "follows the data D";
                    case "three-term-size" -> "follows the model size N";
                    case "three-term-loss" -> "follows the loss L";
                    default -> "is the same everywhere";
                };
        return String.format(
                Locale.ROOT,
                "These losses are described best by a critical batch size that %s%s (AICc: %s).",
                kind,
                lead < STRONG ? ", though too narrowly to be sure" : "",
                figures);
    }

    private static String shortName(FitResult fit) {
        return switch (fit.law()) {
            case "three-term-data" -> "D";
            case "three-term-size" -> "N";
            case "three-term-loss" -> "L";
            default -> "constant";
        };
    }
}
