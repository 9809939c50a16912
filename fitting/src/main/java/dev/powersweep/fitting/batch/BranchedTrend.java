package dev.powersweep.fitting.batch;

import dev.powersweep.fitting.batch.BranchedBatch.Verdict;
import dev.powersweep.fitting.linear.LeastSquares;
import dev.powersweep.fitting.result.Estimate;
import java.util.Comparator;
import java.util.List;
import java.util.Optional;
import org.hipparchus.distribution.continuous.TDistribution;

/**
 * B_crit(t) = B_0·t^κ through the determined branching points, by least squares in logarithms. Intervals are Student's t about the
 * line, as points are few; a line that the points meet exactly has none.
 *
 * @param points that determine it, in the order of their tokens
 * @param coefficient B_0, tokens/tokens^κ
 * @param exponent κ
 * @param deviation of ln B_crit about the line
 */
public record BranchedTrend(List<BranchedBatch> points, Estimate coefficient, Estimate exponent, double deviation) {

    /** Determined points, at as many different counts of tokens, from which a trend is told. */
    public static final int FEWEST_POINTS = 3;

    /** Empty where fewer points are determined. */
    public static Optional<BranchedTrend> of(List<BranchedBatch> all, double confidence) {
        List<BranchedBatch> points = all.stream()
                .filter(point -> point.verdict() == Verdict.DETERMINED)
                .sorted(Comparator.comparingDouble(BranchedBatch::at))
                .toList();
        if (points.stream().mapToDouble(BranchedBatch::at).distinct().count() < FEWEST_POINTS) {
            return Optional.empty();
        }
        double[][] design = points.stream()
                .map(point -> new double[] {1, Math.log(point.at())})
                .toArray(double[][]::new);
        double[] logs =
                points.stream().mapToDouble(point -> Math.log(point.batch())).toArray();
        return LeastSquares.solve(design, logs).map(line -> {
            double t = new TDistribution(line.degreesOfFreedom()).inverseCumulativeProbability((1 + confidence) / 2);
            double intercept = line.coefficients()[0];
            double slope = line.coefficients()[1];
            double noise = Math.sqrt(line.residualVariance());
            double ofIntercept = noise > 0 ? t * line.standardError(0) : Double.NaN;
            double ofSlope = noise > 0 ? t * line.standardError(1) : Double.NaN;
            return new BranchedTrend(
                    points,
                    new Estimate(
                            Math.exp(intercept),
                            Math.exp(intercept - ofIntercept),
                            Math.exp(intercept + ofIntercept),
                            "tokens/tokens^kappa"),
                    new Estimate(slope, slope - ofSlope, slope + ofSlope, "1"),
                    noise);
        });
    }

    /** B_crit in tokens, where a run has seen so many. */
    public double batch(double tokens) {
        return coefficient.value() * Math.pow(tokens, exponent.value());
    }

    /** Fewest tokens at which it was measured. */
    public double from() {
        return points.get(0).at();
    }

    /** Most tokens at which it was measured. */
    public double to() {
        return points.get(points.size() - 1).at();
    }
}
