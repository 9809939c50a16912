package dev.powersweep.fitting.uncertainty;

import dev.powersweep.fitting.law.ParametricLaw;
import dev.powersweep.fitting.result.Residual;
import dev.powersweep.fitting.runs.Observations;
import dev.powersweep.fitting.runs.Quantity;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.Optional;
import org.hipparchus.special.Beta;

/**
 * Whether a law misses the means of repeated runs by more than these scatter among themselves: the F test for lack of fit. Only
 * where runs were repeated can noise be told from a wrong form.
 *
 * @param pureError root mean square of the runs about the mean of their repetitions
 * @param lackOfFit root mean square by which the law misses these means, as the scatter of a single run
 * @param ratio F, of the two squared
 * @param probability of a ratio as large, were the form right and the noise normal
 */
record LackOfFit(double pureError, double lackOfFit, double ratio, double probability) {
    private static final double DOUBTFUL = 0.01;
    private static final int FEWEST = 3;

    /** Empty where fewer than three runs repeat others, or as many places as parameters were tried. */
    static Optional<LackOfFit> of(ParametricLaw law, Observations runs, List<Residual> residuals) {
        List<Quantity> place = law.needs().stream()
                .filter(column -> column != law.response() && column != Quantity.WEIGHT)
                .toList();
        Map<List<Double>, List<Double>> groups = new LinkedHashMap<>();
        for (int i = 0; i < residuals.size(); i++) {
            List<Double> key = new ArrayList<>();
            for (Quantity column : place) {
                key.add(runs.at(column, i));
            }
            groups.computeIfAbsent(key, all -> new ArrayList<>())
                    .add(residuals.get(i).residual());
        }
        int spare = residuals.size() - groups.size();
        int tested = groups.size() - law.parameters().size();
        if (spare < FEWEST || tested < 1) {
            return Optional.empty();
        }
        double pure = 0;
        double lack = 0;
        for (List<Double> repeated : groups.values()) {
            double mean = repeated.stream().mapToDouble(r -> r).average().orElseThrow();
            lack += repeated.size() * mean * mean;
            for (double r : repeated) {
                pure += (r - mean) * (r - mean);
            }
        }
        double ratio = lack / tested / (pure / spare);
        if (!Double.isFinite(ratio)) {
            return Optional.empty();
        }
        double probability = Beta.regularizedBeta(spare / (spare + tested * ratio), spare / 2.0, tested / 2.0);
        return Optional.of(new LackOfFit(Math.sqrt(pure / spare), Math.sqrt(lack / tested), ratio, probability));
    }

    /** What to mind; empty where the scatter of repetitions explains the misses. */
    Optional<String> warning(boolean logarithms) {
        if (!(probability < DOUBTFUL)) {
            return Optional.empty();
        }
        return Optional.of(
                logarithms
                        ? String.format(
                                Locale.ROOT,
                                "Lack of fit: repeated runs scatter by %.2g %%, and the law misses their means by as much as"
                                        + " runs that scatter by %.2g %% (F = %.3g, p = %.1g): its form, and not noise, is what"
                                        + " is left over, and intervals do not hold that.",
                                100 * pureError,
                                100 * lackOfFit,
                                ratio,
                                probability)
                        : String.format(
                                Locale.ROOT,
                                "Lack of fit: repeated runs scatter by %.2g nats, and the law misses their means by as much as"
                                        + " runs that scatter by %.2g nats (F = %.3g, p = %.1g): its form, and not noise, is"
                                        + " what is left over, and intervals do not hold that.",
                                pureError,
                                lackOfFit,
                                ratio,
                                probability));
    }
}
