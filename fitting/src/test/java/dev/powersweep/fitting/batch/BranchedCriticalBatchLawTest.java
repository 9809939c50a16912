package dev.powersweep.fitting.batch;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.assertj.core.api.Assertions.within;

import dev.powersweep.fitting.Fitter;
import dev.powersweep.fitting.Laws;
import dev.powersweep.fitting.result.Estimate;
import dev.powersweep.fitting.result.FitOptions;
import dev.powersweep.fitting.result.FitResult;
import dev.powersweep.fitting.runs.FitRefusal;
import dev.powersweep.fitting.runs.Observations;
import dev.powersweep.fitting.runs.Quantity;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.SplittableRandom;
import java.util.stream.DoubleStream;
import org.junit.jupiter.api.Test;

class BranchedCriticalBatchLawTest {
    private static final FitOptions OPTIONS = FitOptions.defaults().threads(2);
    private static final double[] BATCHES = {1024, 2048, 4096, 8192, 16_384, 32_768};

    /** Rows of branches whose excess over the smallest batch reaches .01 at a critical size that is planted. */
    private static final class Branches {
        private final List<double[]> rows = new ArrayList<>();
        private final List<String> trunks = new ArrayList<>();
        private final SplittableRandom random = new SplittableRandom(7);

        Branches add(String trunk, double at, double critical, double noise, double error) {
            double luck = 0.02 * random.nextGaussian();
            for (double batch : BATCHES) {
                double excess = 0.01 * (Math.pow(batch / critical, 1.5) - Math.pow(BATCHES[0] / critical, 1.5));
                rows.add(new double[] {1e6, at, batch, 3 + luck + excess + noise * random.nextGaussian(), error});
                trunks.add(trunk);
            }
            return this;
        }

        Observations build() {
            return build(Quantity.N, Quantity.BRANCH, Quantity.B, Quantity.LOSS, Quantity.LOSS_ERROR);
        }

        Observations build(Quantity... columns) {
            Observations.Builder builder = Observations.builder().runs(trunks.toArray(String[]::new));
            for (int c = 0; c < columns.length; c++) {
                int at = c;
                builder.column(
                        columns[c], rows.stream().mapToDouble(row -> row[at]).toArray());
            }
            return builder.build();
        }
    }

    private static FitResult fit(Observations runs) {
        return Fitter.fit(Laws.byName("branched-critical-batch"), runs, OPTIONS);
    }

    @Test
    void theLargestBatchWithinATolerance_isFoundBetweenTheOneThatKeepsItAndTheNext() {
        FitResult fit = fit(new Branches().add("a", 1e6, 6000, 0, 1e-4).build());

        Estimate critical = fit.derived().get("B_crit[N=1.000e+06,t=1.000e+06]");
        assertThat(critical.value()).isCloseTo(6000, within(900.0));
        assertThat(critical.low()).isEqualTo(4096);
        assertThat(critical.high()).isEqualTo(8192);
        assertThat(fit.parameters()).as("one point is no trend").isEmpty();
        assertThat(fit.objective().name()).isEqualTo("mse-log");
        assertThat(fit.quality().freeParameters()).as("the noise").isEqualTo(1);
        assertThat(fit.identifiability().verdict())
                .contains("determined at 1 of 1")
                .contains("trend")
                .contains("not");
    }

    @Test
    void aLargestBatchThatKeepsTheToleranceIsWrittenAsABoundFromBelow() {
        FitResult fit = fit(new Branches().add("a", 1e6, 200_000, 0, 1e-4).build());

        assertThat(fit.derived().get("B_crit_at_least[N=1.000e+06,t=1.000e+06]").value())
                .isEqualTo(32_768);
        assertThat(fit.derived()).hasSize(1);
        assertThat(fit.warnings().get(0))
                .contains("32,768")
                .contains("bound from below")
                .contains("larger batches");
    }

    @Test
    void aSecondSmallestBatchThatLosesTheToleranceIsWrittenAsABoundFromAbove() {
        FitResult fit = fit(new Branches().add("a", 1e6, 700, 0, 1e-4).build());

        assertThat(fit.derived().get("B_crit_at_most[N=1.000e+06,t=1.000e+06]").value())
                .isEqualTo(2048);
        assertThat(fit.derived()).hasSize(1);
        assertThat(fit.warnings().get(0))
                .contains("2,048")
                .contains("bound from above")
                .contains("smaller batches");
    }

    @Test
    void noiseOfTheEvaluationOpensTheIntervalUntilNothingIsSaid() {
        FitResult fit = fit(new Branches().add("a", 1e6, 12_000, 0, 6e-3).build());
        assertThat(fit.derived().keySet()).noneMatch(name -> name.startsWith("B_crit["));

        assertThatThrownBy(() -> fit(new Branches().add("a", 1e6, 12_000, 0, .5).build()))
                .isInstanceOf(FitRefusal.class)
                .hasMessageContaining("noise of the losses hides");
    }

    @Test
    void withoutSeedsAndStandardErrorsNothingIsSaid() {
        assertThatThrownBy(() -> fit(new Branches()
                        .add("a", 1e6, 6000, 0, 0)
                        .build(Quantity.N, Quantity.BRANCH, Quantity.B, Quantity.LOSS)))
                .isInstanceOf(FitRefusal.class)
                .hasMessageContaining("loss_error")
                .hasMessageContaining("several seeds");
    }

    @Test
    void whatTrunksHaveOfLuckDropsOutAndTheirScatterMakesTheInterval() {
        Branches branches = new Branches();
        for (String seed : List.of("s0", "s1", "s2")) {
            branches.add(seed, 1e6, 6000, 2e-4, .05);
        }
        FitResult fit = fit(branches.build());

        Estimate critical = fit.derived().get("B_crit[N=1.000e+06,t=1.000e+06]");
        assertThat(critical.low()).isEqualTo(4096);
        assertThat(critical.high()).isEqualTo(8192);
        assertThat(fit.warnings()).as("standard errors are not asked").isEmpty();
    }

    @Test
    void seedsThatDisagreeWidenTheInterval() {
        Branches branches = new Branches();
        for (String seed : List.of("s0", "s1", "s2")) {
            branches.add(seed, 1e6, 6000, 8e-3, 1e-5);
        }
        FitResult fit = fit(branches.build());

        Estimate critical = fit.derived().get("B_crit[N=1.000e+06,t=1.000e+06]");
        if (critical != null) {
            assertThat(critical.high() / critical.low()).isGreaterThan(2);
        } else {
            assertThat(fit.derived().keySet()).allMatch(name -> name.startsWith("B_crit_at_"));
        }
    }

    @Test
    void threePointsGiveTheTrendOverTokens() {
        Branches branches = new Branches();
        for (double at : new double[] {1e6, 4e6, 16e6}) {
            branches.add("a", at, 3 * Math.pow(at, .5), 0, 1e-4);
        }
        FitResult fit = fit(branches.build());

        assertThat(fit.value("kappa")).isCloseTo(.5, within(.08));
        assertThat(fit.parameters().get("kappa").low()).isLessThan(fit.value("kappa"));
        assertThat(fit.residuals()).hasSize(3);
        assertThat(fit.identifiability().verdict()).isEqualTo("B_crit is determined at 3 of 3 branching points.");
    }

    @Test
    void aBoundIsNoPointOfTheTrend() {
        Branches branches = new Branches();
        for (double at : new double[] {1e6, 4e6}) {
            branches.add("a", at, 3 * Math.pow(at, .5), 0, 1e-4);
        }
        branches.add("a", 16e6, 1e6, 0, 1e-4);
        FitResult fit = fit(branches.build());

        assertThat(fit.parameters()).isEmpty();
        assertThat(fit.identifiability().verdict()).contains("2 of 3").contains("trend over tokens is not determined");
    }

    @Test
    void aLargerBatchThatDoesBetterThanTheSmallestIsKeptAndTold() {
        double[] excess = {0, .02, -.03, -.02, .03, .08};
        Observations runs = Observations.builder()
                .column(Quantity.BRANCH, new double[] {1e6, 1e6, 1e6, 1e6, 1e6, 1e6})
                .column(Quantity.B, BATCHES)
                .column(Quantity.LOSS_ERROR, new double[] {1e-5, 1e-5, 1e-5, 1e-5, 1e-5, 1e-5})
                .loss(Arrays.stream(excess).map(more -> 3 + more).toArray())
                .runs("a", "a", "a", "a", "a", "a")
                .build();

        FitResult fit = fit(runs);

        assertThat(fit.derived().get("B_crit[t=1.000e+06]").low())
                .as("the largest within the tolerance, whatever a smaller one did")
                .isEqualTo(8192);
        assertThat(fit.warnings().get(0)).startsWith("A larger batch ended up to 0.030 nats below the smallest one");
    }

    @Test
    void oneBatchAPointIsRefused() {
        assertThatThrownBy(() -> fit(Observations.builder()
                        .column(Quantity.BRANCH, new double[] {1e6, 2e6})
                        .column(Quantity.B, new double[] {1024, 1024})
                        .loss(3, 2.9)
                        .build()))
                .isInstanceOf(FitRefusal.class)
                .hasMessageContaining("2 batches from the same count of tokens");
    }

    @Test
    void trunksWithoutTheSmallestBatchAreNotCompared() {
        Observations runs = Observations.builder()
                .column(Quantity.BRANCH, new double[] {1e6, 1e6, 1e6, 1e6, 1e6})
                .column(Quantity.B, new double[] {1024, 2048, 4096, 2048, 4096})
                .column(Quantity.LOSS_ERROR, new double[] {1e-5, 1e-5, 1e-5, 1e-5, 1e-5})
                .loss(3, 3.001, 3.05, 9, 9.5)
                .runs("a", "a", "a", "b", "b")
                .build();

        BranchedBatch point = BranchedCriticalBatchLaw.points(runs, OPTIONS).get(0);

        assertThat(point.trunks()).isEqualTo(1);
        assertThat(point.verdict()).isEqualTo(BranchedBatch.Verdict.DETERMINED);
        assertThat(point.low()).isEqualTo(2048);
    }

    /** Rows of branches of one point, a trunk for each row of losses. */
    private static Observations losses(double error, double[]... trunks) {
        Observations.Builder builder = Observations.builder();
        int size = trunks.length * BATCHES.length;
        double[] batch = new double[size];
        double[] loss = new double[size];
        String[] runs = new String[size];
        for (int i = 0; i < size; i++) {
            batch[i] = BATCHES[i % BATCHES.length];
            loss[i] = trunks[i / BATCHES.length][i % BATCHES.length];
            runs[i] = "trunk " + i / BATCHES.length;
        }
        if (error > 0) {
            builder.column(
                    Quantity.LOSS_ERROR,
                    DoubleStream.generate(() -> error).limit(size).toArray());
        }
        return builder.column(
                        Quantity.BRANCH,
                        DoubleStream.generate(() -> 1e6).limit(size).toArray())
                .column(Quantity.B, batch)
                .loss(loss)
                .runs(runs)
                .build();
    }

    private static final double GONE = Double.POSITIVE_INFINITY;

    @Test
    void aBatchThatDivergedBoundsTheCriticalSizeFromAbove() {
        FitResult fit = fit(losses(1e-4, new double[] {3, 3.001, 3.002, 3.003, GONE, GONE}));

        Estimate critical = fit.derived().get("B_crit[t=1.000e+06]");
        assertThat(critical.low()).isEqualTo(8192);
        assertThat(critical.high()).isEqualTo(16_384);
        assertThat(critical.value()).as("halfway in ln B").isCloseTo(8192 * Math.sqrt(2), within(1e-6));
        assertThat(fit.derived().get("B_diverged[t=1.000e+06]").value()).isEqualTo(16_384);
        assertThat(fit.warnings())
                .anyMatch(warning -> warning.startsWith("At t=1.000e+06 1 of 1 branches of 16,384 tokens diverged"));
    }

    @Test
    void theBoundHoldsWithoutAnyNoiseKnownAndForOneSeedOfSeveral() {
        FitResult unknown = fit(losses(0, new double[] {3, 3.001, 3.002, 3.003, GONE, GONE}));
        assertThat(unknown.derived().get("B_crit_at_most[t=1.000e+06]").value()).isEqualTo(16_384);

        FitResult one = fit(losses(0, new double[] {3, 3.0011, 3.002, 3.003, 3.002, 3.004}, new double[] {
            3.1, 3.101, 3.1021, 3.103, GONE, 3.104
        }));
        Estimate critical = one.derived().get("B_crit[t=1.000e+06]");
        assertThat(critical.high())
                .as("though other seeds and larger batches did well")
                .isEqualTo(16_384);
        assertThat(critical.low()).isEqualTo(8192);
        assertThat(one.warnings()).anyMatch(warning -> warning.contains("1 of 2 branches of 16,384 tokens diverged"));
    }

    @Test
    void aRunWhoseSmallestBatchDivergedIsComparedWithNothing() {
        FitResult fit =
                fit(losses(1e-4, new double[] {3, 3.001, 3.002, 3.1, 3.2, 3.4}, new double[] {GONE, 3, 3, 3, 3, 3}));

        assertThat(fit.derived().get("B_crit[t=1.000e+06]").high()).isEqualTo(8192);
        assertThat(fit.warnings())
                .anyMatch(warning -> warning.contains("1 of 2 branches of the smallest batch diverged"));
        assertThatThrownBy(() -> fit(losses(1e-4, new double[] {GONE, 3, 3, 3, 3, 3})))
                .isInstanceOf(FitRefusal.class)
                .hasMessageContaining("every branch of it diverged");
    }

    @Test
    void noOtherLawTakesARunThatDiverged() {
        Observations runs = Observations.builder()
                .column(Quantity.BRANCH, new double[] {1e6, 1e6})
                .column(Quantity.B, new double[] {1024, 2048})
                .column(Quantity.N, new double[] {1e6, 2e6})
                .loss(3, GONE)
                .build();
        assertThatThrownBy(() -> Fitter.fit(Laws.byName("kaplan-n"), runs, OPTIONS))
                .isInstanceOf(FitRefusal.class)
                .hasMessageContaining("Row 2 is a branch that diverged, which kaplan-n cannot use");
        assertThatThrownBy(() -> Observations.of(new double[] {1e6}, new double[] {1e6}, new double[] {GONE}))
                .isInstanceOf(FitRefusal.class);
    }
}
