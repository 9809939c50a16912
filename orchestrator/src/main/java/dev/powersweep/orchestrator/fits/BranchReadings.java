package dev.powersweep.orchestrator.fits;

import dev.powersweep.fitting.batch.BranchedBatch;
import dev.powersweep.fitting.batch.BranchedTrend;
import dev.powersweep.fitting.batch.WarmupSchedule;
import dev.powersweep.fitting.result.FitOptions;
import dev.powersweep.orchestrator.fits.BranchedPoints.MeasuredPoint;
import dev.powersweep.orchestrator.results.BranchResult;
import dev.powersweep.orchestrator.text.Numbers;
import java.math.BigDecimal;
import java.math.MathContext;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.TreeMap;
import java.util.stream.Collectors;

/** Says what branches measured, as far as they did, and which batch warm-up follows. */
final class BranchReadings {
    /** Digits of counts of tokens that are to be pasted. */
    private static final int DIGITS = 3;

    private static final double EQUAL = 1e-9;

    private BranchReadings() {}

    static List<Reading> of(BranchedPoints branched, FitOptions options) {
        Map<Double, List<BranchedBatch>> bySize = branched.points().stream()
                .map(MeasuredPoint::batch)
                .collect(Collectors.groupingBy(BranchedBatch::n, TreeMap::new, Collectors.toList()));
        List<Reading> readings = new ArrayList<>();
        String basis = "branched-critical-batch: loss within " + BranchedBatch.TOLERANCE
                + " nats of the smallest batch's, from one state; intervals hold noise and the spacing of the batches.";
        bySize.forEach((n, points) -> readings.add(new Reading(
                "Measured by branching at N = " + Numbers.count(n) + ", the critical batch size is "
                        + points.stream().map(BranchReadings::told).collect(Collectors.joining(", ")) + ".",
                basis)));
        BranchedTrend.of(bySize.values().stream().flatMap(List::stream).toList(), options.confidence())
                .flatMap(trend -> warmUp(trend, branched))
                .ifPresent(readings::add);
        return readings;
    }

    /** What a point says of the critical batch size. */
    static String told(BranchedBatch point) {
        String at = " after " + Numbers.count(point.at()) + " tokens";
        return switch (point.verdict()) {
            case DETERMINED ->
                Numbers.count(point.batch(), 2) + " (" + Numbers.count(point.low(), 4) + " … "
                        + Numbers.count(point.high(), 4) + ") tokens" + at;
            case AT_LEAST -> "at least " + Numbers.count(point.low(), 4) + at;
            case AT_MOST -> "at most " + Numbers.count(point.high(), 4) + at;
            case UNDETERMINED -> "not determined" + at;
        };
    }

    private static Optional<Reading> warmUp(BranchedTrend trend, BranchedPoints branched) {
        double unit = branched.smallestTrunkBatch().orElseThrow();
        Optional<String> scaling = scaling(branched.compared());
        Optional<WarmupSchedule> schedule = WarmupSchedule.of(trend, unit);
        if (schedule.isEmpty() || scaling.isEmpty()) {
            return Optional.empty();
        }
        WarmupSchedule warmUp = schedule.get();
        String counts = warmUp.doubleAt().stream()
                .map(tokens -> BigDecimal.valueOf(tokens)
                        .round(new MathContext(DIGITS))
                        .toBigInteger()
                        .toString())
                .collect(Collectors.joining(", "));
        double factor = scaling.get().equals("sqrt") ? Math.sqrt(warmUp.batch() / unit) : 1;
        return Optional.of(new Reading(
                "A batch warm-up that follows it, with grid.batchSizes: " + Math.round(warmUp.batch()) + " and "
                        + Numbers.significant(factor, DIGITS)
                        + " times the learning rate of the runs that were branched: training.batchWarmup: {doubleAt: ["
                        + counts + "], rateScaling: " + scaling.get() + "}. Beyond " + Numbers.count(trend.to())
                        + " tokens nothing was measured.",
                "branched-critical-batch: B_crit = B_0·t^kappa with kappa "
                        + Numbers.fixed(trend.exponent().value(), 2)
                        + (trend.exponent().hasInterval()
                                ? " (" + Numbers.fixed(trend.exponent().low(), 2) + " … "
                                        + Numbers.fixed(trend.exponent().high(), 2) + ")"
                                : "")
                        + " through " + trend.points().size() + " points; Merrill et al. 2025, untried here."));
    }

    /** The scaling of the rate that branches were made with, where a batch warm-up knows it. */
    private static Optional<String> scaling(List<BranchResult> branches) {
        boolean sqrt = branches.stream()
                .allMatch(branch -> Math.abs(
                                branch.rateFactor() / Math.sqrt(branch.cell().batchTokens() / branch.trunkBatchTokens())
                                        - 1)
                        < EQUAL);
        boolean none = branches.stream().allMatch(branch -> branch.rateFactor() == 1);
        return sqrt ? Optional.of("sqrt") : none ? Optional.of("none") : Optional.empty();
    }
}
