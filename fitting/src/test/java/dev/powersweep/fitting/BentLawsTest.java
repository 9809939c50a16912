package dev.powersweep.fitting;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.within;

import dev.powersweep.fitting.batch.StepsBatch;
import dev.powersweep.fitting.result.FitOptions;
import dev.powersweep.fitting.result.FitResult;
import dev.powersweep.fitting.runs.Observations;
import dev.powersweep.fitting.runs.Point;
import dev.powersweep.fitting.runs.Quantity;
import java.util.HashMap;
import java.util.Map;
import java.util.stream.IntStream;
import org.junit.jupiter.api.Test;

/** Laws that bend the way published runs bend, against minima that src/test/python/bent_laws.py finds with SciPy alone. */
class BentLawsTest {
    private static final Map<String, Double> GOLDEN = TestRuns.golden("/golden/bent-laws.csv");

    /** The best rate of each model, data and batch size. */
    private static Observations bestRates() {
        Observations all = TestRuns.read("/published/steplaw_rates.csv");
        Map<String, Integer> lowest = new HashMap<>();
        for (int i = 0; i < all.size(); i++) {
            String key = all.at(Quantity.N, i) + " " + all.at(Quantity.D, i) + " " + all.at(Quantity.B, i);
            int row = i;
            lowest.merge(
                    key, row, (one, other) -> all.at(Quantity.LOSS, one) <= all.at(Quantity.LOSS, other) ? one : other);
        }
        return all.where(lowest::containsValue);
    }

    @Test
    void stepsBatchDescribesTheBestRatesAsTheIndependentScriptDoes() {
        Observations runs = bestRates();
        assertThat(runs.size()).isEqualTo(170);
        FitResult fit = Fitter.fit(Laws.byName("steps-batch"), runs, FitOptions.defaults());

        double golden = GOLDEN.get("steps-batch/objective");
        assertThat(fit.convergence().certified()).as(fit.convergence().how()).isTrue();
        assertThat(fit.objective().sum())
                .isLessThanOrEqualTo(golden * (1 + 1e-9))
                .isLessThanOrEqualTo(6.2e-4);
        assertThat(fit.objective().sum()).isCloseTo(golden, within(1e-4 * golden));
        for (String name : new String[] {"E", "alpha", "beta", "gamma"}) {
            double expected = GOLDEN.get("steps-batch/" + name);
            assertThat(fit.value(name)).as(name).isCloseTo(expected, within(0.01 * expected));
        }
        FitResult rival = Fitter.fit(Laws.byName("chinchilla"), runs, FitOptions.defaults());
        assertThat(rival.objective().sum()).isCloseTo(15.8e-4, within(0.05e-4));
    }

    @Test
    void stepsBatchPredictsTheLargestRunsFromTheSmallerOnes() {
        Observations runs = bestRates();
        double[] compute = runs.column(Quantity.C);
        double threshold = IntStream.range(0, runs.size())
                .mapToDouble(i -> compute[i])
                .sorted()
                .skip(150)
                .findFirst()
                .orElseThrow();
        Observations small = runs.where(i -> compute[i] < threshold);
        assertThat(small.size()).isEqualTo(150);
        FitResult fit = Fitter.fit(Laws.byName("steps-batch"), small, FitOptions.defaults());
        double square = 0;
        for (int i = 0; i < runs.size(); i++) {
            if (compute[i] >= threshold) {
                double miss = Math.log(fit.predict(runs.point(i)).value() / runs.at(Quantity.LOSS, i));
                square += miss * miss / 20;
            }
        }
        assertThat(Math.sqrt(square))
                .isLessThanOrEqualTo(0.0070)
                .isCloseTo(GOLDEN.get("steps-batch/held_out_rms"), within(2e-4));
    }

    @Test
    void theBestBatchIsWhereTheLossIsLowest() {
        StepsBatch law = new StepsBatch();
        double[] published = {1.2, 300, 20, 8, 0.3, 0.25, 0.2};
        for (double d : new double[] {1e7, 1e10, 1e12}) {
            double best = StepsBatch.bestBatch(published, d);
            Point at = Point.nd(1e9, d);
            double lowest = law.predict(published, at.and(Quantity.B, best));
            assertThat(law.predict(published, at)).isCloseTo(lowest, within(1e-12));
            assertThat(law.predict(published, at.and(Quantity.B, best * 1.05))).isGreaterThan(lowest);
            assertThat(law.predict(published, at.and(Quantity.B, best / 1.05))).isGreaterThan(lowest);
        }
    }

    @Test
    void farseerDescribesItsRunsAndPredictsTheLargeOnes() {
        Observations train = TestRuns.read("/published/farseer_train.csv");
        Observations test = TestRuns.read("/published/farseer_test.csv");
        FitResult fit = Fitter.fit(Laws.byName("farseer"), train, FitOptions.defaults());

        double golden = GOLDEN.get("farseer/objective");
        assertThat(fit.convergence().certified()).as(fit.convergence().how()).isTrue();
        assertThat(fit.objective().sum())
                .isLessThanOrEqualTo(golden * (1 + 1e-9))
                .isLessThanOrEqualTo(3.60e-4);
        double mean = IntStream.range(0, test.size())
                .mapToDouble(i -> test.at(Quantity.LOSS, i))
                .average()
                .orElseThrow();
        double left = 0;
        double total = 0;
        double largest = 0;
        double largestMiss = 0;
        for (int i = 0; i < test.size(); i++) {
            double loss = test.at(Quantity.LOSS, i);
            double miss = fit.predict(test.point(i)).value() - loss;
            left += miss * miss;
            total += (loss - mean) * (loss - mean);
            if (test.at(Quantity.N, i) > largest) {
                largest = test.at(Quantity.N, i);
                largestMiss = miss / loss;
            }
        }
        assertThat(1 - left / total).as("R² of the large runs").isGreaterThanOrEqualTo(0.93);
        assertThat(Math.abs(largestMiss)).as("error of the largest").isLessThanOrEqualTo(0.011);
    }

    /**
     * StepLaw's own rule is η ∝ N^−.713 D^.307 and B ∝ D^.571 with 95 % intervals −.774 … −.655, .271 … .345 and .534 … .606.
     */
    @Test
    void aGridWithDivergedCornersGivesTheAuthorsRule() {
        Observations runs = TestRuns.read("/published/steplaw_rates.csv", "/published/steplaw_rates_other.csv");
        FitOptions options = FitOptions.defaults().bootstrap(200);
        FitResult rate = Fitter.fit(Laws.byName("lr-surface"), runs, options);
        assertThat(rate.residuals()).hasSize(41);
        assertThat(rate.warnings()).noneMatch(warning -> warning.startsWith("At N="));
        assertThat(rate.value("p_N")).isBetween(-0.774, -0.655);
        assertThat(rate.value("p_D")).isBetween(0.271, 0.345);

        FitResult batch = Fitter.fit(Laws.byName("batch-surface"), runs, options);
        assertThat(batch.residuals()).hasSize(41);
        assertThat(batch.value("p_D")).isBetween(0.534, 0.606);
    }

    /** The 17 sizes with most runs, whose N and D rise together, tell less, and their intervals say so. */
    @Test
    void fewerSizesGiveWiderIntervalsAboutTheSameRule() {
        FitResult rate = Fitter.fit(
                Laws.byName("lr-surface"),
                TestRuns.read("/published/steplaw_rates.csv"),
                FitOptions.defaults().bootstrap(200));
        assertThat(rate.residuals()).hasSize(17);
        assertThat(rate.parameters().get("p_N").low()).isLessThan(-0.713);
        assertThat(rate.parameters().get("p_N").high()).isGreaterThan(-0.713);
        assertThat(rate.parameters().get("p_D").low()).isLessThan(0.307);
        assertThat(rate.parameters().get("p_D").high()).isGreaterThan(0.307);
    }
}
