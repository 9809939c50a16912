package dev.powersweep.fitting.batch;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.assertj.core.api.Assertions.within;

import dev.powersweep.fitting.Fitter;
import dev.powersweep.fitting.Laws;
import dev.powersweep.fitting.comparison.CriticalBatchComparison;
import dev.powersweep.fitting.law.BoundLaw;
import dev.powersweep.fitting.optimise.Objective;
import dev.powersweep.fitting.result.FitOptions;
import dev.powersweep.fitting.result.FitResult;
import dev.powersweep.fitting.runs.FitRefusal;
import dev.powersweep.fitting.runs.Observations;
import dev.powersweep.fitting.runs.Quantity;
import dev.powersweep.fitting.testdata.CsvResource;
import java.util.Arrays;
import java.util.Random;
import java.util.stream.Stream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.Arguments;
import org.junit.jupiter.params.provider.MethodSource;

class ThreeTermTest {
    private static final long SEED = Long.getLong("test.seed", 20260101L);

    static Stream<Arguments> laws() {
        return Stream.of(
                Arguments.of(ThreeTerm.constant(), new double[] {1.2, 60, 90, .3, .28, 40_000}),
                Arguments.of(ThreeTerm.byData(), new double[] {1.2, 60, 90, .3, .28, 20, .42}),
                Arguments.of(ThreeTerm.bySize(), new double[] {1.2, 60, 90, .3, .28, 100, .45}),
                Arguments.of(ThreeTerm.byLoss(), new double[] {1.2, 60, 90, .3, .28, 2e7, .21}),
                Arguments.of(ThreeTerm.overSteps(), new double[] {1.2, 60, 30, .3, .5, 2e7, .21}));
    }

    /** 4 sizes × 4 data sizes × 4 batches, losses from the law itself. */
    private static Observations grid(ThreeTerm law, double[] published, double noise, Random random) {
        int rows = 64;
        double[] n = new double[rows];
        double[] d = new double[rows];
        double[] b = new double[rows];
        for (int i = 0; i < rows; i++) {
            n[i] = 3e5 * Math.pow(4, i / 16);
            d[i] = 2e7 * Math.pow(4, i / 4 % 4);
            b[i] = 4096 * Math.pow(6, i % 4);
        }
        Observations.Builder builder =
                Observations.builder().parameters(n).tokens(d).column(Quantity.B, b);
        double[] placeholder = new double[rows];
        Arrays.fill(placeholder, 1);
        Observations places = builder.loss(placeholder).build();
        double[] loss = new double[rows];
        for (int i = 0; i < rows; i++) {
            loss[i] = law.predict(published, places.point(i)) * Math.exp(noise * random.nextGaussian());
        }
        return builder.loss(loss).build();
    }

    @ParameterizedTest(name = "{0}")
    @MethodSource("laws")
    void noiseFreeGridsGiveTheParametersBack(ThreeTerm law, double[] published) {
        Observations runs = grid(law, published, 0, new Random(SEED));
        FitResult fit = Fitter.fit(law, runs, FitOptions.defaults().threads(2));

        for (int j = 0; j < published.length; j++) {
            assertThat(fit.values()[j] / published[j])
                    .as(law.parameters().get(j).name())
                    .isCloseTo(1, within(1e-8));
        }
        assertThat(fit.convergence().how()).contains("distant starts end here");
    }

    @ParameterizedTest(name = "{0}")
    @MethodSource("laws")
    void derivativesAgreeWithFiniteDifferences(ThreeTerm law, double[] published) {
        Random random = new Random(SEED);
        BoundLaw bound = law.bind(grid(law, published, 0, random));
        int p = published.length;
        double[] gradient = new double[p];
        double[] hessian = new double[p * p];
        double[] up = new double[p];
        double[] down = new double[p];
        for (int trial = 0; trial < 20; trial++) {
            double[] theta = bound.internal(published);
            for (int j = 0; j < p; j++) {
                theta[j] *= 1 + .03 * random.nextGaussian();
            }
            int row = random.nextInt(64);
            double value = bound.model().value(theta, row, gradient, 0, hessian);
            assertThat(value).isCloseTo(bound.model().value(theta, row), within(1e-12));
            double[] g = gradient.clone();
            double[] h = hessian.clone();
            for (int j = 0; j < p; j++) {
                double step = 1e-5 * (1 + Math.abs(theta[j]));
                double[] high = theta.clone();
                high[j] += step;
                double[] low = theta.clone();
                low[j] -= step;
                double difference = (bound.model().value(high, row, up, 0, hessian)
                                - bound.model().value(low, row, down, 0, hessian))
                        / (2 * step);
                assertThat(g[j])
                        .as("seed %d, trial %d, gradient %d", SEED, trial, j)
                        .isCloseTo(difference, within(1e-6 * (1 + Math.abs(difference))));
                for (int k = 0; k < p; k++) {
                    double second = (up[k] - down[k]) / (2 * step);
                    assertThat(h[Math.max(j, k) * p + Math.min(j, k)])
                            .as("seed %d, trial %d, Hessian %d %d", SEED, trial, j, k)
                            .isCloseTo(second, within(1e-5 * (1 + Math.abs(second))));
                }
            }
        }
    }

    @Test
    void publishedAndInternalParametersAreInverseToEachOther() {
        laws().forEach(arguments -> {
            ThreeTerm law = (ThreeTerm) arguments.get()[0];
            double[] published = (double[]) arguments.get()[1];
            BoundLaw bound = law.bind(grid(law, published, .01, new Random(SEED)));
            double[] back = bound.published(bound.internal(published));
            for (int j = 0; j < back.length; j++) {
                assertThat(back[j] / published[j]).isCloseTo(1, within(1e-12));
            }
        });
    }

    @Test
    void sizesCountedInBillionsGiveTheSameLaw() {
        ThreeTerm law = ThreeTerm.bySize();
        Observations runs = grid(law, new double[] {1.2, 60, 90, .3, .28, 100, .45}, .005, new Random(SEED));
        Observations billions = Observations.builder()
                .parameters(
                        Arrays.stream(runs.column(Quantity.N)).map(n -> n / 1e9).toArray())
                .tokens(runs.column(Quantity.D))
                .column(Quantity.B, runs.column(Quantity.B))
                .loss(runs.column(Quantity.LOSS))
                .build();
        FitOptions options = FitOptions.defaults().threads(2).objective(Objective.MSE_LOG);
        double[] one = Fitter.fit(law, runs, options).values();
        double[] other = Fitter.fit(law, billions, options).values();

        for (int j : new int[] {0, 2, 3, 4, 6}) {
            assertThat(other[j] / one[j]).isCloseTo(1, within(1e-9));
        }
        assertThat(other[1] / one[1] * Math.pow(1e9, one[3])).isCloseTo(1, within(1e-8));
        assertThat(other[5] / one[5] / Math.pow(1e9, one[6])).isCloseTo(1, within(1e-8));
    }

    @Test
    void aNoisyGridHasTheMinimumThatScipyFinds() {
        CsvResource grid = CsvResource.read("golden/three_term_grid.csv");
        CsvResource expected = CsvResource.read("golden/three_term.csv");
        assertThat(expected.rows()).hasSize(4);
        for (int i = 0; i < expected.rows().size(); i++) {
            String name = expected.text(i, "law");
            Observations runs = Observations.builder()
                    .parameters(grid.numbers("n"))
                    .tokens(grid.numbers("d"))
                    .column(Quantity.B, grid.numbers("b"))
                    .loss(grid.numbers(expected.text(i, "losses")))
                    .build();
            FitResult fit = Fitter.fit(
                    Laws.byName(name), runs, FitOptions.defaults().threads(2).objective(Objective.MSE_LOG));
            assertThat(fit.objective().sum() / expected.numbers("objective")[i])
                    .as(name)
                    .isCloseTo(1, within(1e-9));
            assertThat(fit.value("alpha")).as(name).isCloseTo(expected.numbers("alpha")[i], within(1e-5));
            assertThat(fit.value("beta")).as(name).isCloseTo(expected.numbers("beta")[i], within(1e-5));
            assertThat(Math.log(fit.values()[5])).as(name).isCloseTo(expected.numbers("log_critical")[i], within(1e-3));
        }
    }

    @Test
    void theLawThatMadeTheLossesIsPreferredToItsRivals() {
        double[] truth = {1.2, 60, 90, .3, .28, 20, .42};
        Observations runs = grid(ThreeTerm.byData(), truth, .003, new Random(SEED));
        CriticalBatchComparison comparison = CriticalBatchComparison.of(
                runs, FitOptions.defaults().threads(2).objective(Objective.MSE_LOG));

        assertThat(comparison.best().law()).isEqualTo("three-term-data");
        assertThat(comparison.verdict()).contains("follows the data D");
    }

    @Test
    void gridsThatDoNotVaryTheBatchAreRefused() {
        ThreeTerm law = ThreeTerm.constant();
        Observations all = grid(law, new double[] {1.2, 60, 90, .3, .28, 40_000}, .01, new Random(SEED));
        Observations one = all.where(i -> all.at(Quantity.B, i) < 5000);
        assertThatThrownBy(() -> Fitter.fit(law, one, FitOptions.defaults()))
                .isInstanceOfSatisfying(FitRefusal.class, refused -> {
                    assertThat(refused.reason()).isEqualTo(FitRefusal.Reason.TOO_FEW_SIZES);
                    assertThat(refused.sentence()).contains("different values of b", "the runs have 1");
                });
    }
}
