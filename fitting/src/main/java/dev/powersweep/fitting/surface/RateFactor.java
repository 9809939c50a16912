package dev.powersweep.fitting.surface;

import dev.powersweep.fitting.linear.LeastSquares;
import dev.powersweep.fitting.result.Estimate;
import java.util.List;
import java.util.Optional;
import org.hipparchus.distribution.continuous.TDistribution;

/**
 * By what one factor best learning rates lie off a rule: their geometric mean over it, with Student's interval over places.
 *
 * @param factor over the rule, with its interval
 * @param places model, data and batch sizes that tell a best rate
 * @param edges of them, where the best rate is the lowest or highest tried; that one counts, though the best lies beyond
 */
public record RateFactor(Estimate factor, int places, int edges) {
    /** Fewer places have no interval to speak of. */
    public static final int FEWEST_PLACES = 3;

    /**
     * Rates tried at one model, data and batch size.
     *
     * @param best of them
     * @param ofRule what the rule gives there
     */
    public record Found(RateRule.Optimum best, double ofRule) {}

    /**
     * @param level of the interval, e.g. 0.95
     * @return empty where fewer than {@value #FEWEST_PLACES} places tell a best rate
     */
    public static Optional<RateFactor> of(List<Found> all, double level) {
        List<Found> found = all.stream()
                .filter(one -> one.best().place() != RateRule.Place.UNKNOWN)
                .toList();
        if (found.size() < FEWEST_PLACES) {
            return Optional.empty();
        }
        double[] logs = found.stream()
                .mapToDouble(one -> Math.log(one.best().rate() / one.ofRule()))
                .toArray();
        LeastSquares mean = LeastSquares.solve(
                        found.stream().map(one -> new double[] {1}).toArray(double[][]::new), logs)
                .orElseThrow();
        double half = new TDistribution(mean.degreesOfFreedom()).inverseCumulativeProbability((1 + level) / 2)
                * mean.standardError(0);
        double log = mean.coefficients()[0];
        int edges = (int) found.stream()
                .filter(one -> one.best().place() != RateRule.Place.INSIDE)
                .count();
        return Optional.of(new RateFactor(
                new Estimate(Math.exp(log), Math.exp(log - half), Math.exp(log + half), "1"), found.size(), edges));
    }

    /** Whether the interval leaves no room for the rule itself. */
    public boolean differs() {
        return factor.low() > 1 || factor.high() < 1;
    }
}
