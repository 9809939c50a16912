package dev.powersweep.fitting;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.assertj.core.api.Assertions.within;

import dev.powersweep.fitting.law.BoundLaw;
import dev.powersweep.fitting.law.MultiPower;
import dev.powersweep.fitting.optimise.LossModel;
import dev.powersweep.fitting.result.FitOptions;
import dev.powersweep.fitting.result.FitResult;
import dev.powersweep.fitting.runs.FitRefusal;
import dev.powersweep.fitting.runs.Observations;
import dev.powersweep.fitting.runs.Quantity;
import java.util.Map;
import java.util.Set;
import java.util.SplittableRandom;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

/** The law of whole curves on the 27 published ones, against minima that src/test/python/multi_power.py finds with SciPy alone. */
class MultiPowerTest {
    private static final Map<String, Double> GOLDEN = TestRuns.golden("/golden/multi-power.csv");
    private static final Set<String> FITTED = Set.of("cosine_24000", "constant_24000", "wsdcon_9");
    private static final MultiPower LAW = new MultiPower();

    private static Observations curves(String size, boolean fitted) {
        Observations all = TestRuns.read("/published/multipower/curves_" + size + ".csv");
        return all.where(row -> FITTED.contains(all.runName(all.runOf(row))) == fitted);
    }

    /** Mean over the curves of each one's mean absolute error. */
    private static double error(FitResult fit, Observations runs) {
        double[] predicted = LAW.predictions(fit.values(), runs);
        double[] miss = new double[runs.runs()];
        int[] rows = new int[runs.runs()];
        for (int i = 0; i < runs.size(); i++) {
            miss[runs.runOf(i)] += Math.abs(predicted[i] - runs.at(Quantity.LOSS, i));
            rows[runs.runOf(i)]++;
        }
        double mean = 0;
        for (int run = 0; run < miss.length; run++) {
            mean += miss[run] / rows[run] / miss.length;
        }
        return mean;
    }

    @ParameterizedTest
    @CsvSource({"25m, 0.00385", "100m, 0.00440", "400m, 0.00495"})
    void threeCurvesPredictSixOthers(String size, double bound) {
        FitResult fit =
                Fitter.fit(LAW, curves(size, true), FitOptions.defaults().bootstrap(0));

        assertThat(fit.convergence().certified()).as(fit.convergence().how()).isTrue();
        double golden = GOLDEN.get(size + "/objective");
        assertThat(fit.objective().sum()).isCloseTo(golden, within(0.01 * golden));
        double error = error(fit, curves(size, false));
        assertThat(error).isLessThanOrEqualTo(bound).isCloseTo(GOLDEN.get(size + "/error"), within(5e-5));
    }

    @Test
    void derivativesAgreeWithDifferencesWhereTheRateChanges() {
        Observations runs = curves("100m", true).where(row -> row % 17 == 0);
        BoundLaw bound = LAW.bind(runs);
        LossModel model = bound.model();
        double[] theta = {2.6, 0.2, 0.14, 0.45, 2, 0.7, 0.6};
        int p = model.dimension();
        for (int row = 0; row < runs.size(); row++) {
            double[] gradient = new double[p];
            double[] hessian = new double[p * p];
            double value = model.value(theta, row, gradient, 0, hessian);
            assertThat(model.value(theta, row)).isCloseTo(value, within(1e-12));
            for (int j = 0; j < p; j++) {
                double h = 1e-5;
                double[] up = theta.clone();
                double[] down = theta.clone();
                up[j] += h;
                down[j] -= h;
                double[] above = new double[p];
                double[] below = new double[p];
                double slope = (model.value(up, row, above, 0, new double[p * p])
                                - model.value(down, row, below, 0, new double[p * p]))
                        / (2 * h);
                assertThat(gradient[j]).as("d/d" + j).isCloseTo(slope, within(1e-7));
                for (int k = 0; k <= j; k++) {
                    assertThat(hessian[j * p + k])
                            .as("d²/d" + j + "d" + k)
                            .isCloseTo((above[k] - below[k]) / (2 * h), within(1e-6));
                }
            }
        }
    }

    /** Every step a row against rows far apart: the law is one of the schedule, not of where it was looked at. */
    @Test
    void aCurveIsTheSameWhereverItsRowsLie() {
        double[] published = {2.5, 0.6, 500, 0.45, 2, 0.6, 0.6};
        double[] dense = LAW.predictions(published, warmedCosine(1));
        double[] sparse = LAW.predictions(published, warmedCosine(50));
        for (int i = 0; i < sparse.length; i++) {
            assertThat(sparse[i]).isCloseTo(dense[(i + 1) * 50 - 1], within(2e-3));
        }
    }

    private static Observations warmedCosine(int every) {
        int steps = 4000;
        int warm = 200;
        int rows = steps / every;
        double[] step = new double[rows];
        double[] rate = new double[rows];
        double[] loss = new double[rows];
        String[] run = new String[rows];
        for (int i = 0; i < rows; i++) {
            step[i] = (i + 1) * every;
            double through = (step[i] - warm) / (steps - warm);
            rate[i] = 3e-4 * (step[i] < warm ? step[i] / warm : 0.55 + 0.45 * Math.cos(Math.PI * through));
            loss[i] = 3;
            run[i] = "cosine";
        }
        return Observations.builder()
                .column(Quantity.STEP, step)
                .column(Quantity.LEARNING_RATE, rate)
                .column(Quantity.LOSS, loss)
                .runs(run)
                .build();
    }

    @Test
    void findsWhatWasPlanted() {
        double[] truth = {2.5, 0.6, 500, 0.45, 2, 0.6, 0.6};
        Observations runs = curves("100m", true);
        double[] exact = LAW.predictions(truth, runs);
        SplittableRandom random = new SplittableRandom(TestRuns.seed());
        double[] noisy = new double[exact.length];
        String[] run = new String[exact.length];
        for (int i = 0; i < exact.length; i++) {
            noisy[i] = exact[i] * Math.exp(1e-4 * random.nextGaussian());
            run[i] = runs.runName(runs.runOf(i));
        }
        FitResult fit = Fitter.fit(
                LAW,
                Observations.builder()
                        .column(Quantity.STEP, runs.column(Quantity.STEP))
                        .column(Quantity.LEARNING_RATE, runs.column(Quantity.LEARNING_RATE))
                        .column(Quantity.LOSS, noisy)
                        .runs(run)
                        .build(),
                FitOptions.defaults().bootstrap(0));
        assertThat(fit.convergence().certified()).as(fit.convergence().how()).isTrue();
        assertThat(fit.value("L0")).isCloseTo(2.5, within(0.02));
        assertThat(fit.value("alpha")).isCloseTo(0.45, within(0.02));
        assertThat(fit.value("B")).isCloseTo(500, within(60.0));
    }

    @Test
    void refusesWhatTellsNoSchedule() {
        Observations runs = curves("25m", true);
        Observations constant = runs.where(row -> runs.runName(runs.runOf(row)).equals("constant_24000"));
        assertThatThrownBy(() -> Fitter.fit(LAW, constant, FitOptions.defaults()))
                .isInstanceOf(FitRefusal.class)
                .hasMessageContaining("in no run does it change");
    }
}
