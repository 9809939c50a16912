package dev.powersweep.fitting.batch;

import dev.powersweep.fitting.batch.BranchedBatch.Noise;
import dev.powersweep.fitting.batch.BranchedBatch.Verdict;
import dev.powersweep.fitting.law.StagedLaw;
import dev.powersweep.fitting.optimise.Objective;
import dev.powersweep.fitting.result.Convergence;
import dev.powersweep.fitting.result.Estimate;
import dev.powersweep.fitting.result.FitOptions;
import dev.powersweep.fitting.result.FitResult;
import dev.powersweep.fitting.result.Identifiability;
import dev.powersweep.fitting.result.ObjectiveValue;
import dev.powersweep.fitting.result.Quality;
import dev.powersweep.fitting.result.Residual;
import dev.powersweep.fitting.runs.FitRefusal;
import dev.powersweep.fitting.runs.Observations;
import dev.powersweep.fitting.runs.Point;
import dev.powersweep.fitting.runs.Quantity;
import java.util.ArrayList;
import java.util.Comparator;
import java.util.LinkedHashSet;
import java.util.List;
import java.util.Locale;
import java.util.Optional;
import java.util.Set;

/**
 * {@code branched-critical-batch}: the critical batch size measured by branches of other batches from one state (Merrill et al.
 * 2025), point by point ({@link BranchedBatch}), and its trend over the tokens seen where at least
 * {@value BranchedTrend#FEWEST_POINTS} points are determined ({@link BranchedTrend}).
 *
 * <p>A row is a branch and a run is its trunk; the loss is that at the end of the branch, infinite where it diverged. Branches of
 * one point have seen equally many tokens. Points of other model sizes lie on one line: Merrill et al. find that the size hardly matters.
 */
public final class BranchedCriticalBatchLaw implements StagedLaw {
    /** The scripted name. */
    public static final String NAME = "branched-critical-batch";

    @Override
    public String name() {
        return NAME;
    }

    @Override
    public String title() {
        return "Critical batch size by branching (Merrill et al. 2025)";
    }

    @Override
    public String formula() {
        return "B_crit(t) = largest B with L(B) - L(B_smallest) <= 0.01 after branches from t tokens, = B_0*t^kappa";
    }

    @Override
    public String source() {
        return "Merrill et al. 2025, arXiv 2505.23971, section 3";
    }

    @Override
    public Set<Quantity> needs() {
        return new LinkedHashSet<>(List.of(Quantity.BRANCH, Quantity.B, Quantity.LOSS));
    }

    @Override
    public Optional<FitRefusal> refusal(Observations runs) {
        for (Quantity column : needs()) {
            if (!runs.has(column)) {
                return Optional.of(new FitRefusal(
                        FitRefusal.Reason.MISSING_COLUMN,
                        NAME + " needs column " + column.described()
                                + ", which the runs do not have; in a sweep grid.branches makes them, in a table of"
                                + " runs --columns names it."));
            }
        }
        return BranchingPoint.of(runs).stream().anyMatch(point -> point.losses().isPresent())
                ? Optional.empty()
                : Optional.of(new FitRefusal(
                        FitRefusal.Reason.TOO_FEW_SIZES,
                        withoutReference(runs) > 0
                                ? NAME
                                        + " compares with the smallest batch, and every branch of it diverged; give the runs"
                                        + " that are branched a smaller learning rate."
                                : NAME + " compares batches, and no trunk has branches of "
                                        + BranchingPoint.FEWEST_BATCHES
                                        + " batches from the same count of tokens; add batches, and in a table of runs name the"
                                        + " column of trunks (--columns run=…)."));
    }

    private static long withoutReference(Observations runs) {
        return BranchingPoint.of(runs).stream()
                .mapToLong(BranchingPoint::withoutReference)
                .sum();
    }

    /** What each branching point says, by model size and then by tokens. */
    public static List<BranchedBatch> points(Observations runs, FitOptions options) {
        return BranchingPoint.of(runs).stream()
                .flatMap(point -> BranchedBatch.of(point, options).stream())
                .toList();
    }

    @Override
    public FitResult fit(Observations runs, FitOptions options) {
        refusal(runs).ifPresent(refused -> {
            throw refused;
        });
        List<BranchedBatch> points = points(runs, options);
        if (points.stream().allMatch(point -> point.verdict() == Verdict.UNDETERMINED)) {
            throw new FitRefusal(FitRefusal.Reason.TOO_FEW_POINTS, hidden(points));
        }
        Optional<BranchedTrend> trend = BranchedTrend.of(points, options.confidence());
        FitResult.Builder result = FitResult.of(NAME, formula())
                .response(Quantity.B)
                .data(runs.size(), runs.runs())
                .options(options)
                .objective(new ObjectiveValue(Objective.MSE_LOG, 1e-3, Double.NaN, Double.NaN))
                .quality(new Quality(Double.NaN, 1, Double.NaN, Double.NaN))
                .convergence(Convergence.closedForm("losses compared batch by batch, the trend by least squares"))
                .identifiability(new Identifiability(verdict(points, trend), List.of()))
                .predictor(BranchedCriticalBatchLaw::predict);
        trend.ifPresent(line -> {
            result.parameter("B_0", line.coefficient()).parameter("kappa", line.exponent());
            describe(line, result);
        });
        points.forEach(point -> tell(point, result));
        points.stream()
                .filter(point -> point.gain() > BranchedBatch.TOLERANCE)
                .max(Comparator.comparingDouble(BranchedBatch::gain))
                .ifPresent(point -> result.warn(String.format(
                        Locale.ROOT,
                        "A larger batch ended up to %.3f nats below the smallest one (at %s), as happens at a constant rate that"
                                + " is too high for small batches: what they are compared with is not the best loss.",
                        point.gain(),
                        place(point))));
        BranchingPoint.of(runs).stream()
                .filter(point -> point.withoutReference() > 0)
                .forEach(point -> result.warn("At " + place(point.n(), point.at()) + " "
                        + point.withoutReference() + " of " + point.trunks().size()
                        + " branches of the smallest batch diverged: the other branches of such a run are compared with"
                        + " nothing and left out; a smaller learning rate of the runs would help."));
        if (points.stream().anyMatch(point -> point.noise() == Noise.EVALUATION)) {
            result.warn("Points of one seed take the standard errors of evaluations as if branches had been scored on"
                    + " different text, so that their intervals are too wide; several seeds tell better.");
        }
        return result.build();
    }

    private static double predict(double[] values, Point at) {
        return values.length < 2 || !at.has(Quantity.BRANCH)
                ? Double.NaN
                : values[0] * Math.pow(at.get(Quantity.BRANCH), values[1]);
    }

    private static void tell(BranchedBatch point, FitResult.Builder result) {
        String place = "[" + place(point) + "]";
        point.firstDiverged().ifPresent(excess -> {
            result.derived("B_diverged" + place, Estimate.of(excess.batch(), "tokens"));
            result.warn(String.format(
                    Locale.ROOT,
                    "At %s %d of %d branches of %,.0f tokens diverged: such batches, and larger ones, count as too large at"
                            + " their learning rate, whatever the loss of the others.",
                    place(point),
                    excess.diverged(),
                    point.trunks(),
                    excess.batch()));
        });
        switch (point.verdict()) {
            case DETERMINED ->
                result.derived("B_crit" + place, new Estimate(point.batch(), point.low(), point.high(), "tokens"));
            case AT_LEAST -> {
                result.derived("B_crit_at_least" + place, Estimate.of(point.low(), "tokens"));
                result.warn(bound(point, "is a bound from below", point.low(), "larger batches"));
            }
            case AT_MOST -> {
                result.derived("B_crit_at_most" + place, Estimate.of(point.high(), "tokens"));
                result.warn(bound(point, "is a bound from above", point.high(), "smaller batches"));
            }
            case UNDETERMINED -> result.warn(hidden(List.of(point)));
        }
    }

    private static String bound(BranchedBatch point, String kind, double bound, String remedy) {
        return String.format(
                Locale.ROOT,
                "At %s the critical batch size of %,.0f tokens %s and no measurement; %s, more seeds or more"
                        + " evaluated tokens would tell.",
                place(point),
                bound,
                kind,
                remedy);
    }

    private static String hidden(List<BranchedBatch> points) {
        boolean unknown = points.stream().allMatch(point -> point.noise() == Noise.UNKNOWN);
        return "No critical batch size is determined at " + place(points.get(0))
                + (points.size() > 1 ? " or any other point" : "")
                + (unknown
                        ? ": the noise of a loss is not known; give its standard error (loss_error), or branch several"
                                + " seeds."
                        : ": the noise of the losses hides a difference of 0.01 nats; branch several seeds, or"
                                + " evaluate on more tokens.");
    }

    private static String place(BranchedBatch point) {
        return place(point.n(), point.at());
    }

    private static String place(double n, double at) {
        String tokens = String.format(Locale.ROOT, "t=%.4g", at);
        return Double.isNaN(n) ? tokens : String.format(Locale.ROOT, "N=%.4g,", n) + tokens;
    }

    private static String verdict(List<BranchedBatch> points, Optional<BranchedTrend> trend) {
        long determined = points.stream()
                .filter(point -> point.verdict() == Verdict.DETERMINED)
                .count();
        return "B_crit is determined at " + determined + " of " + points.size() + " branching points"
                + (trend.isPresent()
                        ? "."
                        : "; its trend over tokens is not determined, which needs " + BranchedTrend.FEWEST_POINTS
                                + ".");
    }

    private static void describe(BranchedTrend trend, FitResult.Builder result) {
        List<Residual> residuals = new ArrayList<>();
        double sum = 0;
        for (BranchedBatch point : trend.points()) {
            double predicted = trend.batch(point.at());
            double residual = Math.log(predicted / point.batch());
            sum += residual * residual;
            Point at = Point.of(Quantity.BRANCH, point.at());
            residuals.add(new Residual(
                    place(point),
                    Double.isNaN(point.n()) ? at : at.and(Quantity.N, point.n()),
                    point.batch(),
                    predicted,
                    residual));
        }
        result.residuals(residuals)
                .objective(new ObjectiveValue(Objective.MSE_LOG, 1e-3, sum, sum / residuals.size()))
                .quality(new Quality(Double.NaN, 3, trend.deviation(), Double.NaN));
    }
}
