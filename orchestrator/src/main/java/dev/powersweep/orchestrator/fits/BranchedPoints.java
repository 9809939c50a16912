package dev.powersweep.orchestrator.fits;

import dev.powersweep.fitting.Fitter;
import dev.powersweep.fitting.batch.BranchedBatch;
import dev.powersweep.fitting.batch.BranchedCriticalBatchLaw;
import dev.powersweep.fitting.batch.GradientNoise;
import dev.powersweep.fitting.law.Law;
import dev.powersweep.fitting.result.FitOptions;
import dev.powersweep.fitting.runs.FitRefusal;
import dev.powersweep.fitting.runs.Observations;
import dev.powersweep.fitting.runs.Quantity;
import dev.powersweep.orchestrator.results.BranchResult;
import dev.powersweep.orchestrator.results.GradientNorms;
import dev.powersweep.orchestrator.results.SweepResults;
import java.util.ArrayList;
import java.util.Comparator;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.OptionalDouble;
import java.util.TreeMap;
import java.util.function.ToDoubleFunction;
import java.util.stream.Collectors;
import java.util.stream.IntStream;

/**
 * The critical batch sizes that a sweep's branches measured, each beside the gradient noise scale of the runs that they left.
 *
 * @param all branches of the sweep
 * @param compared those that ended or diverged, of each model size's runs of one batch, rate and setting, whatever
 *     their seed: the ones that have most branches
 * @param points what they say, by model size and then by tokens
 */
public record BranchedPoints(List<BranchResult> all, List<BranchResult> compared, List<MeasuredPoint> points) {

    private static final String SELECTION =
            "every branch that finished or diverged; of each model size those of the batch, rate and setting that was branched"
                    + " most";

    /** Steps over which gradient norms are averaged before dividing, at least. */
    private static final int FEWEST_STEPS = 4;

    /** Standard error of a loss that there is not; nothing reads it. */
    private static final double OF_NO_LOSS = 1;

    /** A branching point with the gradient noise scale of the trunk there, in tokens; empty where it was not measured. */
    public record MeasuredPoint(BranchedBatch batch, OptionalDouble noiseScale) {}

    public BranchedPoints {
        all = List.copyOf(all);
        compared = List.copyOf(compared);
        points = List.copyOf(points);
    }

    /** Of a sweep; without branches nothing. */
    public static BranchedPoints of(SweepResults results, FitOptions options) {
        List<BranchResult> compared = compared(results.branches());
        if (compared.isEmpty()) {
            return new BranchedPoints(results.branches(), compared, List.of());
        }
        List<MeasuredPoint> points = BranchedCriticalBatchLaw.points(observations(compared), options).stream()
                .map(point -> new MeasuredPoint(point, noiseScale(point, compared, results.noise())))
                .toList();
        return new BranchedPoints(results.branches(), compared, points);
    }

    private static List<BranchResult> compared(List<BranchResult> all) {
        Map<Double, Map<String, List<BranchResult>>> setups = all.stream()
                .filter(BranchResult::comparable)
                .collect(Collectors.groupingBy(
                        branch -> branch.cell().parameters(),
                        TreeMap::new,
                        Collectors.groupingBy(BranchResult::setup, TreeMap::new, Collectors.toList())));
        return setups.values().stream()
                .flatMap(of -> of.values().stream()
                        .max(Comparator.<List<BranchResult>>comparingInt(List::size)
                                .thenComparing(branches -> -branches.get(0).trunkBatchTokens()))
                        .orElseThrow()
                        .stream())
                .toList();
    }

    private static Observations observations(List<BranchResult> branches) {
        Observations.Builder builder = Observations.builder()
                .column(Quantity.N, column(branches, branch -> branch.cell().parameters()))
                .column(Quantity.BRANCH, column(branches, BranchResult::at))
                .column(Quantity.B, column(branches, branch -> branch.cell().batchTokens()))
                .column(Quantity.LOSS, column(branches, BranchedPoints::loss))
                .runs(branches.stream().map(BranchResult::trunk).toArray(String[]::new));
        if (branches.stream()
                .allMatch(branch ->
                        branch.diverged() || branch.cell().standardError().orElse(0) > 0)) {
            builder.column(
                    Quantity.LOSS_ERROR,
                    column(branches, branch -> branch.cell().standardError().orElse(OF_NO_LOSS)));
        }
        return builder.build();
    }

    private static double loss(BranchResult branch) {
        return branch.diverged()
                ? Double.POSITIVE_INFINITY
                : branch.cell().validationLoss().getAsDouble();
    }

    private static double[] column(List<BranchResult> branches, ToDoubleFunction<BranchResult> quantity) {
        return branches.stream().mapToDouble(quantity).toArray();
    }

    /** Of the steps between half the tokens of the branch and the branch itself, over all seeds. */
    private static OptionalDouble noiseScale(
            BranchedBatch point, List<BranchResult> branches, List<GradientNorms> norms) {
        List<String> parents = branches.stream()
                .filter(branch -> branch.at() == point.at() && branch.cell().parameters() == point.n())
                .flatMap(branch -> branch.parent().stream())
                .distinct()
                .toList();
        List<double[]> rows = new ArrayList<>();
        for (GradientNorms of : norms) {
            if (parents.contains(of.cell())) {
                IntStream.range(0, of.step().length)
                        .filter(i -> of.step()[i] * of.bigTokens() <= point.at()
                                && of.step()[i] * of.bigTokens() > point.at() / 2)
                        .forEach(i ->
                                rows.add(new double[] {of.small()[i], of.big()[i], of.smallTokens(), of.bigTokens()}));
            }
        }
        if (rows.size() < FEWEST_STEPS) {
            return OptionalDouble.empty();
        }
        return GradientNoise.average(part(rows, 0), part(rows, 1), part(rows, 2), part(rows, 3))
                .map(GradientNoise::noiseScale)
                .orElse(OptionalDouble.empty());
    }

    private static double[] part(List<double[]> rows, int column) {
        return rows.stream().mapToDouble(row -> row[column]).toArray();
    }

    /** How many of the branches came to an end, and how many diverged. */
    public String ended() {
        long diverged = all.stream().filter(BranchResult::diverged).count();
        return all.stream().filter(BranchResult::usable).count() + " of " + all.size() + " branches finished"
                + (diverged > 0 ? ", " + diverged + " diverged" : "");
    }

    /** What is said of the branches that ended, and of those that are not compared. */
    List<String> notes() {
        if (all.isEmpty()) {
            return List.of();
        }
        long told = all.stream().filter(BranchResult::comparable).count();
        String left = told == compared.size()
                ? ""
                : "; " + (told - compared.size())
                        + " of them left runs of another batch, rate or setting than the one that was branched most, and are"
                        + " not compared";
        return List.of(
                ended() + "; they are compared with each other, and no law of" + " the cells knows them" + left + ".");
    }

    /** The law fitted to the branches, or why it is not. */
    FitSet.Outcome fit(Law law, FitOptions options) {
        if (compared.isEmpty()) {
            return LawGroup.refused(
                    law,
                    SELECTION,
                    new FitRefusal(
                            FitRefusal.Reason.TOO_FEW_POINTS,
                            law.name() + " compares branches, and "
                                    + (all.isEmpty()
                                            ? "this sweep has none; give grid.branches."
                                            : "none of " + all.size() + " has finished.")));
        }
        try {
            return new FitSet.Fitted(law.title(), SELECTION, Fitter.fit(law, observations(compared), options));
        } catch (FitRefusal refusal) {
            return LawGroup.refused(law, SELECTION, refusal);
        }
    }

    /** Tokens of the smallest batch of a run that was branched. */
    Optional<Double> smallestTrunkBatch() {
        return compared.stream().map(BranchResult::trunkBatchTokens).min(Comparator.naturalOrder());
    }
}
