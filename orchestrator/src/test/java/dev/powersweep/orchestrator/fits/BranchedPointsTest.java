package dev.powersweep.orchestrator.fits;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.within;

import dev.powersweep.fitting.batch.BranchedBatch;
import dev.powersweep.fitting.result.FitOptions;
import dev.powersweep.fitting.result.FitResult;
import dev.powersweep.orchestrator.results.BranchResult;
import dev.powersweep.orchestrator.results.KnownSweep;
import dev.powersweep.orchestrator.results.SweepResults;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.TreeMap;
import org.junit.jupiter.api.Test;

class BranchedPointsTest {
    private static final FitOptions OPTIONS = SweepFitter.options().bootstrap(0);
    private static final SweepResults PLAIN = KnownSweep.results(0, 1);
    private static final SweepResults BRANCHED =
            KnownSweep.branched(PLAIN, new TreeMap<>(Map.of(250e3, 1500.0, 1e6, 3000.0, 3e6, 5200.0)));

    private static FitSet fit(SweepResults sweep, String... laws) {
        return SweepFitter.fit(sweep, List.of(laws), OPTIONS);
    }

    @Test
    void eachBranchingPointHasItsCriticalBatchAndTheTrendFollows() {
        FitSet set = fit(BRANCHED, "branched-critical-batch");

        FitResult fit = set.of("branched-critical-batch").orElseThrow();
        assertThat(fit.derived().get("B_crit[N=2.500e+04,t=1.000e+06]").value()).isCloseTo(3000, within(500.0));
        assertThat(fit.value("kappa")).isCloseTo(.5, within(.1));
        assertThat(set.notes())
                .contains("36 of 36 branches finished; they are compared with each other, and no law of the cells knows"
                        + " them.");
        assertThat(set.readings().get(0).sentence())
                .startsWith("Measured by branching at N = 25k, the critical batch size is ")
                .contains(" (1,024 … 2,048) tokens after 250k tokens, ")
                .contains(" (2,048 … 4,096) tokens after 1M tokens, ");
    }

    @Test
    void aBatchWarmupToPasteFollowsWhereTheTrendIsDetermined() {
        String sentence =
                fit(BRANCHED, "branched-critical-batch").readings().get(1).sentence();

        assertThat(sentence)
                .startsWith(
                        "A batch warm-up that follows it, with grid.batchSizes: 4096 and 2.83 times the learning rate of"
                                + " the runs that were branched: training.batchWarmup: {doubleAt: [")
                .contains("], rateScaling: sqrt}. Beyond 3M tokens nothing was measured.");
        SweepResults two = KnownSweep.branched(PLAIN, new TreeMap<>(Map.of(250e3, 1500.0, 1e6, 3000.0)));
        FitSet set = fit(two, "branched-critical-batch");
        assertThat(set.readings()).as("two points are no trend").noneMatch(reading -> reading.sentence()
                .contains("warm-up"));
        assertThat(set.of("branched-critical-batch").orElseThrow().parameters()).isEmpty();
    }

    @Test
    void aBoundIsToldAsOne() {
        SweepResults bound = KnownSweep.branched(PLAIN, new TreeMap<>(Map.of(250e3, 300.0, 1e6, 90e3)));
        assertThat(fit(bound, "branched-critical-batch").readings().get(0).sentence())
                .endsWith(
                        "the critical batch size is at most 1,024 after 250k tokens, at least 16.38k after 1M tokens.");
    }

    @Test
    void aBranchThatDivergedIsTooLargeABatch() {
        SweepResults reachesFar = KnownSweep.branched(PLAIN, new TreeMap<>(Map.of(1e6, 90e3)));
        SweepResults diverged = KnownSweep.diverged(reachesFar, 1e6, 8192, 1);

        FitSet set = fit(diverged, "branched-critical-batch");

        assertThat(set.readings().get(0).sentence())
                .endsWith("the critical batch size is 5.8k (4,096 … 8,192) tokens after 1M tokens.");
        assertThat(set.notes()).anyMatch(note -> note.startsWith("11 of 12 branches finished, 1 diverged; "));
        assertThat(set.of("branched-critical-batch")
                        .orElseThrow()
                        .derived()
                        .get("B_diverged[N=2.500e+04,t=1.000e+06]")
                        .value())
                .isEqualTo(8192);
    }

    @Test
    void theyChangeNoOtherLawAndComeByThemselvesWhereThereAreBranches() {
        FitSet with = fit(BRANCHED);
        FitSet without = fit(PLAIN);
        assertThat(with.outcomes()).hasSize(without.outcomes().size() + 1);
        assertThat(with.of("chinchilla").orElseThrow().parameters())
                .isEqualTo(without.of("chinchilla").orElseThrow().parameters());
        assertThat(with.of("critical-batch").orElseThrow().parameters())
                .isEqualTo(without.of("critical-batch").orElseThrow().parameters());
        assertThat(fit(PLAIN, "branched-critical-batch").refused().get(0).sentence())
                .isEqualTo("branched-critical-batch compares branches, and this sweep has none; give grid.branches.");
    }

    @Test
    void theNoiseScaleIsThatOfTheRunsThatWereBranchedUpToTheBranch() {
        BranchedPoints points = BranchedPoints.of(BRANCHED, OPTIONS);

        // The known sweep's noise scale is 300·(1 + .4·ln step), and the trunk's batch is 512.
        BranchedPoints.MeasuredPoint at = points.points().get(1);
        assertThat(at.batch().at()).isEqualTo(1e6);
        double middle = 300 * (1 + .4 * Math.log(.72e6 / 512));
        assertThat(at.noiseScale().getAsDouble() / middle).isCloseTo(1, within(.3));
        assertThat(points.points()).allMatch(point -> point.batch().noise() == BranchedBatch.Noise.SEEDS);
    }

    @Test
    void branchesOfAnotherSettingThanTheOneBranchedMostAreLeftOutAndTold() {
        List<BranchResult> branches = new ArrayList<>(BRANCHED.branches());
        for (BranchResult branch : BRANCHED.branches().subList(0, 6)) {
            branches.add(new BranchResult(
                    branch.cell(), branch.at(), "another", "another setup", 1024, 1, Optional.empty()));
        }
        SweepResults mixed = new SweepResults(
                BRANCHED.name(),
                BRANCHED.place(),
                BRANCHED.specification(),
                BRANCHED.cells(),
                BRANCHED.training(),
                BRANCHED.validation(),
                BRANCHED.noise(),
                BRANCHED.clippedShares(),
                branches,
                BRANCHED.provenance());
        FitSet set = fit(mixed, "branched-critical-batch");
        assertThat(set.of("branched-critical-batch").orElseThrow().derived())
                .isEqualTo(fit(BRANCHED, "branched-critical-batch")
                        .of("branched-critical-batch")
                        .orElseThrow()
                        .derived());
        assertThat(set.notes()).anyMatch(note -> note.contains("6 of them left runs of another batch"));
    }
}
