package dev.powersweep.fitting.uncertainty;

import static org.assertj.core.api.Assertions.assertThat;

import dev.powersweep.fitting.Laws;
import dev.powersweep.fitting.law.BoundLaw;
import dev.powersweep.fitting.law.ParametricLaw;
import dev.powersweep.fitting.optimise.Minimum;
import dev.powersweep.fitting.optimise.Newton;
import dev.powersweep.fitting.optimise.Problem;
import dev.powersweep.fitting.result.FitOptions;
import dev.powersweep.fitting.runs.Observations;
import dev.powersweep.fitting.runs.Point;
import dev.powersweep.fitting.runs.Quantity;
import java.util.Arrays;
import java.util.List;
import java.util.SplittableRandom;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.EnumSource;

/**
 * How often the 95 % interval of approach 3 holds the truth.
 *
 * <p>Design: E 1.69, A 406.4, B 410.7, α 0.34, β 0.28; a product grid of models from 1e7 to 1e10 parameters and data from 1e9 to
 * 1e12 tokens, both geometric, 16 × 15; log-normal noise of 1 %; Huber on log residuals with δ at the noise and at a tenth of
 * it; the intervals that {@code fit} reports for each kind of bootstrap.
 *
 * <p>Central quantiles alone covered too often with runs drawn anew and δ a tenth of the noise: over 2,000 other data sets .963
 * .970 .960 .970 .962 for E, A, B, α, β. Two ways were tried and left: scores of the runs drawn anew about an unchanged objective
 * (Parzen, Wei and Ying 1994), .972–.976 over 1,000; residuals smoothed as well, .978–.985.
 */
class CoverageTest {
    private static final double[] TRUTH = {1.69, 406.4, 410.7, 0.34, 0.28};
    private static final ParametricLaw LAW = (ParametricLaw) Laws.byName("chinchilla");

    private static double[] coverage(
            int models, int sizes, int simulations, int refits, double noise, FitOptions options) {
        double[] hits = new double[TRUTH.length];
        for (int s = 0; s < simulations; s++) {
            SplittableRandom random = new SplittableRandom(1000 + s);
            int rows = models * sizes;
            double[] n = new double[rows];
            double[] d = new double[rows];
            double[] loss = new double[rows];
            for (int i = 0; i < rows; i++) {
                n[i] = 1e7 * Math.pow(1e3, (i % models) / (models - 1.0));
                d[i] = 1e9 * Math.pow(1e3, Math.floorDiv(i, models) / (sizes - 1.0));
                loss[i] = LAW.predict(TRUTH, Point.nd(n[i], d[i])) * Math.exp(noise * random.nextGaussian());
            }
            Observations runs = Observations.of(n, d, loss);
            BoundLaw bound = LAW.bind(runs);
            Problem problem = new Problem(
                    bound.model(), runs.log(Quantity.LOSS), runs.weights(), options.objective(), options.delta());
            // The truth is a start from which the global minimum is near; the search for it is tested elsewhere.
            Minimum best = new Newton(TRUTH.length).minimise(problem, bound.internal(TRUTH), bound.box());
            double[] fitted = bound.published(best.theta());
            double[][] replicas =
                    new Bootstrap(runs, bound, problem, List.of(best.theta()), options.seed(s)).refits(0, refits);
            for (int j = 0; j < TRUTH.length; j++) {
                int column = j;
                double[] interval = options.interval(
                        Arrays.stream(replicas).mapToDouble(row -> row[column]).toArray(), fitted[column]);
                hits[j] += interval[0] <= TRUTH[j] && TRUTH[j] <= interval[1] ? 1 : 0;
            }
        }
        return Arrays.stream(hits).map(count -> count / simulations).toArray();
    }

    @ParameterizedTest
    @EnumSource(FitOptions.Resampling.class)
    void intervalsHoldTheTruthAboutAsOftenAsTheySay(FitOptions.Resampling resampling) {
        double[] hits =
                coverage(8, 8, 60, 200, 0.01, FitOptions.defaults().delta(0.01).resampling(resampling));

        assertThat(Arrays.stream(hits).average().orElseThrow()).isBetween(0.88, 0.99);
    }

    @ParameterizedTest
    @CsvSource({
        "RUNS, 0.01",
        "RUNS, 0.001",
        "RESIDUAL, 0.01",
        "RESIDUAL, 0.001",
        "PARAMETRIC, 0.01",
        "PARAMETRIC, 0.001"
    })
    @Tag("nightly")
    void over500DataSetsEveryParameterIsCoveredIn93To97Percent(FitOptions.Resampling resampling, double delta) {
        double[] hits = coverage(
                16, 15, 500, 400, 0.01, FitOptions.defaults().delta(delta).resampling(resampling));

        for (int j = 0; j < hits.length; j++) {
            assertThat(hits[j])
                    .as("%s of %s", LAW.parameters().get(j).name(), Arrays.toString(hits))
                    .isBetween(0.93, 0.97);
        }
    }
}
