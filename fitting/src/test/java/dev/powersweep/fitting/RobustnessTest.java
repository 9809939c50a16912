package dev.powersweep.fitting;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.within;

import dev.powersweep.fitting.comparison.Comparison;
import dev.powersweep.fitting.law.Law;
import dev.powersweep.fitting.law.ParametricLaw;
import dev.powersweep.fitting.optimise.Objective;
import dev.powersweep.fitting.result.FitOptions;
import dev.powersweep.fitting.result.FitResult;
import dev.powersweep.fitting.result.HoldOut;
import dev.powersweep.fitting.runs.Observations;
import dev.powersweep.fitting.runs.Point;
import dev.powersweep.fitting.runs.Quantity;
import java.util.Arrays;
import java.util.List;
import java.util.SplittableRandom;
import java.util.stream.IntStream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.ValueSource;

/** Data unlike any published: odd scales, few rows and many, outliers, weights. */
class RobustnessTest {
    private static final ParametricLaw LAW = (ParametricLaw) Laws.byName("chinchilla");

    @ParameterizedTest
    @CsvSource({
        "5, 4, 1e3, 1e6, 1e4, 1e8, 0.5, 20, 60, 0.4, 0.3",
        "6, 6, 1e9, 1e13, 1e10, 1e14, 1.8, 500, 2000, 0.35, 0.37",
        "10, 10, 1e5, 1e9, 1e6, 1e11, 0.4, 60, 90, 0.45, 0.25",
        "8, 6, 1e6, 1e8, 1e7, 1e10, 2.0, 900, 4000, 0.42, 0.45",
        "100, 50, 1e7, 1e10, 1e9, 1e12, 1.69, 406.4, 410.7, 0.34, 0.28"
    })
    void noisyRunsOfAnyScaleEndBelowTheTruth(
            int models,
            int sizes,
            double n0,
            double n1,
            double d0,
            double d1,
            double e,
            double a,
            double b,
            double alpha,
            double beta) {
        double[] truth = {e, a, b, alpha, beta};
        Observations runs =
                TestRuns.chinchilla(TestRuns.grid(models, n0, n1, sizes, d0, d1), truth, 0.003, TestRuns.seed());

        FitResult fit = Fitter.fit(LAW, runs, FitOptions.defaults());

        assertThat(fit.convergence().certified()).as(fit.convergence().how()).isTrue();
        assertThat(fit.objective().sum())
                .isLessThanOrEqualTo(Fitter.objectiveAt(LAW, runs, FitOptions.defaults(), truth));
        for (int i = 0; i < runs.size(); i += 3) {
            double planted = LAW.predict(truth, runs.point(i));
            assertThat(fit.predict(runs.point(i)).value()).isCloseTo(planted, within(0.01 * planted));
        }
    }

    /** A law through all rows but one leaves no scatter to measure that one by. */
    @ParameterizedTest
    @ValueSource(ints = {3, 4, 5})
    void amongFewRowsNoneIsCalledAnOutlier(int rows) {
        double[] n = IntStream.range(0, rows).mapToDouble(i -> 1e6 * (1 << i)).toArray();
        double[] d = Arrays.stream(n).map(x -> 1e9).toArray();
        double[] loss = IntStream.range(0, rows)
                .mapToDouble(i -> Math.pow(8.8e13 / n[i], 0.076) * (i == 1 ? 1.02 : 1))
                .toArray();

        FitResult fit =
                Fitter.fit((ParametricLaw) Laws.byName("kaplan-n"), Observations.of(n, d, loss), FitOptions.defaults());

        assertThat(fit.warnings()).noneSatisfy(warning -> assertThat(warning).contains("robust standard deviations"));
    }

    @Test
    void aTwentiethOfGrossOutliersMovesHuberLittleAndIsTold() {
        double[] truth = {1.69, 406.4, 410.7, 0.34, 0.28};
        Observations clean =
                TestRuns.chinchilla(TestRuns.grid(10, 1e7, 1e10, 10, 1e9, 1e12), truth, 0.002, TestRuns.seed());
        double[] loss = clean.column(Quantity.LOSS);
        for (int i = 7; i < 100; i += 20) {
            loss[i] *= 1.5;
        }
        Observations spoilt = Observations.of(clean.column(Quantity.N), clean.column(Quantity.D), loss);

        FitResult huber = Fitter.fit(LAW, spoilt, FitOptions.defaults());
        FitResult squares = Fitter.fit(LAW, spoilt, FitOptions.defaults().objective(Objective.MSE_LOG));

        assertThat(huber.value("alpha")).isCloseTo(0.34, within(0.02));
        assertThat(huber.value("beta")).isCloseTo(0.28, within(0.02));
        assertThat(Math.abs(huber.value("E") - 1.69)).isLessThan(0.3 * Math.abs(squares.value("E") - 1.69) + 0.02);
        assertThat(huber.warnings()).anySatisfy(warning -> assertThat(warning)
                .startsWith("5 rows lie more than eight")
                .contains("run 8, 28, 48, 68, 88"));
    }

    @Test
    void aWeightOfTwoIsTheRowTwice() {
        Observations runs = TestRuns.chinchilla(
                TestRuns.grid(6, 1e7, 1e9, 6, 1e9, 1e11), new double[] {1.7, 400, 800, 0.34, 0.32}, 0.01, 3);
        double[] weights =
                new SplittableRandom(2).ints(36, 1, 4).asDoubleStream().toArray();
        Observations weighted = Observations.builder()
                .parameters(runs.column(Quantity.N))
                .tokens(runs.column(Quantity.D))
                .loss(runs.column(Quantity.LOSS))
                .column(Quantity.WEIGHT, weights)
                .build();
        int[] rows = IntStream.range(0, 36)
                .flatMap(i -> IntStream.range(0, (int) weights[i]).map(copy -> i))
                .toArray();
        Observations repeated = Observations.builder()
                .parameters(IntStream.of(rows)
                        .mapToDouble(i -> runs.at(Quantity.N, i))
                        .toArray())
                .tokens(IntStream.of(rows)
                        .mapToDouble(i -> runs.at(Quantity.D, i))
                        .toArray())
                .loss(IntStream.of(rows)
                        .mapToDouble(i -> runs.at(Quantity.LOSS, i))
                        .toArray())
                .runs(IntStream.range(0, rows.length).toArray())
                .build();

        FitResult one = Fitter.fit(LAW, weighted, FitOptions.defaults());
        FitResult other = Fitter.fit(LAW, repeated, FitOptions.defaults());

        assertThat(one.objective().sum())
                .isCloseTo(
                        other.objective().sum(),
                        within(1e-10 * other.objective().sum()));
        assertThat(one.value("alpha")).isCloseTo(other.value("alpha"), within(1e-8));
    }

    @Test
    void aLawWithoutIrreducibleLossLosesWhereThereIsOne() {
        Observations runs = TestRuns.digitised();
        List<Law> laws = List.of(
                Laws.byName("kaplan-nd"),
                Laws.byName("chinchilla"),
                Laws.byName("chinchilla-tied"),
                Laws.byName("kaplan-ns"));

        Comparison comparison = Fitter.compare(laws, runs, FitOptions.defaults());

        assertThat(comparison.fits())
                .extracting(FitResult::law)
                .containsExactly("chinchilla-tied", "chinchilla", "kaplan-nd");
        assertThat(comparison.refused()).singleElement().satisfies(refused -> {
            assertThat(refused.law()).isEqualTo("kaplan-ns");
            assertThat(refused.refusal().sentence()).contains("column s");
        });
        assertThat(comparison.verdict()).contains("AICc").contains("larger scales");
    }

    @Test
    void theHeldOutScaleIsPredictedByALawThatIsTrue() {
        double[] truth = {1.69, 406.4, 410.7, 0.34, 0.28};
        Observations runs = TestRuns.chinchilla(TestRuns.grid(8, 1e7, 3e9, 8, 1e9, 3e11), truth, 0.002, 11);

        HoldOut held = Fitter.fit(LAW, runs, FitOptions.defaults()).holdOut().orElseThrow();

        assertThat(held.heldOut() + held.fitted()).isEqualTo(64);
        assertThat(held.heldOut()).isBetween(4, 10);
        assertThat(held.rmsLog()).isLessThan(0.01);
        assertThat(held.residuals())
                .allSatisfy(
                        residual -> assertThat(residual.at().get(Quantity.C)).isGreaterThan(1e19));
    }

    @Test
    void theLargestScalesAreRolledOutOneAfterTheOther() {
        double[] truth = {1.69, 406.4, 410.7, 0.34, 0.28};
        Observations runs = TestRuns.chinchilla(TestRuns.grid(8, 1e7, 3e9, 8, 1e9, 3e11), truth, 0.002, 11);

        FitResult fit = Fitter.fit(LAW, runs, FitOptions.defaults());

        assertThat(fit.rollOut()).hasSize(5);
        double ceiling = Double.POSITIVE_INFINITY;
        int left = runs.size();
        for (HoldOut step : fit.rollOut()) {
            left -= step.heldOut();
            assertThat(step.fitted()).isEqualTo(left);
            double top = ceiling;
            assertThat(step.residuals())
                    .allSatisfy(residual ->
                            assertThat(residual.at().get(Quantity.C)).isLessThan(top));
            ceiling = step.residuals().stream()
                    .mapToDouble(residual -> residual.at().get(Quantity.C))
                    .min()
                    .orElseThrow();
        }
        assertThat(fit.rollOutError().orElseThrow()).isLessThan(0.01);
    }

    @Test
    void aRowOfWeightZeroIsAsGoodAsAbsent() {
        Observations runs = TestRuns.chinchilla(
                TestRuns.grid(6, 1e7, 1e9, 6, 1e9, 1e11), new double[] {1.7, 400, 800, 0.34, 0.32}, 0.01, 3);
        double[] loss = runs.column(Quantity.LOSS);
        double[] weights = new double[36];
        Arrays.fill(weights, 1);
        for (int i : new int[] {3, 17, 30}) {
            weights[i] = 0;
            loss[i] = 9;
        }
        Observations weighted = Observations.builder()
                .parameters(runs.column(Quantity.N))
                .tokens(runs.column(Quantity.D))
                .loss(loss)
                .column(Quantity.WEIGHT, weights)
                .build();
        FitOptions options = FitOptions.defaults().bootstrap(50).resampling(FitOptions.Resampling.RESIDUAL);

        FitResult one = Fitter.fit(LAW, weighted, options);
        FitResult other = Fitter.fit(LAW, runs.where(i -> weights[i] > 0), options);

        assertThat(one.rows()).isEqualTo(33);
        assertThat(one.parameters()).isEqualTo(other.parameters());
    }

    @ParameterizedTest
    @CsvSource({"5, 4", "100, 50"})
    void fewRunsAndManyWithOutliersGiveTheLawBack(int models, int sizes) {
        double[] truth = {1.69, 406.4, 410.7, 0.34, 0.28};
        Observations clean =
                TestRuns.chinchilla(TestRuns.grid(models, 1e7, 1e10, sizes, 1e9, 1e12), truth, 0.001, TestRuns.seed());
        double[] loss = clean.column(Quantity.LOSS);
        for (int i = 5; i < loss.length; i += 20) {
            loss[i] *= 1.8;
        }

        FitResult fit = Fitter.fit(
                LAW, Observations.of(clean.column(Quantity.N), clean.column(Quantity.D), loss), FitOptions.defaults());

        assertThat(fit.convergence().certified()).as(fit.convergence().how()).isTrue();
        for (int i = 0; i < loss.length; i++) {
            double planted = LAW.predict(truth, clean.point(i));
            assertThat(fit.predict(clean.point(i)).value()).isCloseTo(planted, within(0.02 * planted));
        }
    }

    @Test
    void lossesThatFallToNothingAreToldToHaveNoIrreducibleLoss() {
        double[][] nd = TestRuns.grid(7, 1e6, 1e9, 7, 1e8, 1e11);
        SplittableRandom random = new SplittableRandom(5);
        double[] loss = IntStream.range(0, 49)
                .mapToDouble(i -> (90 / Math.pow(nd[0][i], 0.3) + 50 / Math.pow(nd[1][i], 0.2))
                        * Math.exp(0.002 * random.nextGaussian())
                        * 0.98)
                .map(x -> Math.pow(x, 1.05))
                .toArray();

        FitResult fit = Fitter.fit(LAW, Observations.of(nd[0], nd[1], loss), FitOptions.defaults());

        assertThat(fit.value("E")).isLessThan(1e-6);
        assertThat(fit.identifiability().verdict()).contains("E ran to the end of its range");
        assertThat(fit.predict(Point.nd(1e8, 1e10)).value()).isBetween(0.1, 2.0);
    }

    @Test
    void theLargestOfEveryDirectionIsPredictedBetterThanByNoChange() {
        double[][] nd = TestRuns.grid(6, 1e7, 1e9, 6, 1e9, 1e11);
        Observations runs = TestRuns.chinchilla(nd, new double[] {1.7, 400, 410, 0.34, 0.28}, 0.002, TestRuns.seed());
        FitResult fit = Fitter.fit(LAW, runs, FitOptions.defaults());
        assertThat(fit.axes()).containsOnlyKeys(Quantity.N, Quantity.D, Quantity.C);
        assertThat(fit.axes().get(Quantity.N).rows()).isEqualTo(6);
        assertThat(fit.axes().get(Quantity.D).rows()).isEqualTo(6);
        assertThat(fit.beatsNoChange()).isTrue();
        fit.axes().values().forEach(tested -> assertThat(tested.error()).isLessThan(tested.baseline() / 4));
    }

    @Test
    void aLawThatTurnsTheWrongWayDoesNotBeatNoChange() {
        // The loss levels off over the last step of D: continuing its fall is worse than no change.
        double[][] nd = TestRuns.grid(5, 1e7, 1e9, 5, 1e9, 1e11);
        double[] loss = new double[25];
        for (int i = 0; i < 25; i++) {
            loss[i] = 1.7 + 400 * Math.pow(nd[0][i], -0.34) + 3 * Math.pow(Math.min(nd[1][i], 3.1e10) / 1e9, -0.1);
        }
        FitResult fit = Fitter.fit(LAW, Observations.of(nd[0], nd[1], loss), FitOptions.defaults());
        assertThat(fit.axes().get(Quantity.D).beatsNoChange()).isFalse();
        assertThat(fit.beatsNoChange()).isFalse();
        assertThat(fit.warnings()).anyMatch(warning -> warning.startsWith("Along d the law errs"));
    }

    @Test
    void whatCannotBeTestedAlongADirectionIsNotClaimed() {
        double[][] nd = TestRuns.grid(6, 1e7, 1e9, 3, 1e9, 1e11);
        Observations runs = TestRuns.chinchilla(nd, new double[] {1.7, 400, 410, 0.34, 0.28}, 0.002, TestRuns.seed());
        assertThat(Fitter.fit(LAW, runs, FitOptions.defaults()).axes()).doesNotContainKey(Quantity.D);
    }
}
