package dev.powersweep.fitting.uncertainty;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.within;

import dev.powersweep.fitting.Fitter;
import dev.powersweep.fitting.Laws;
import dev.powersweep.fitting.law.ParametricLaw;
import dev.powersweep.fitting.result.FitOptions;
import dev.powersweep.fitting.result.FitOptions.Resampling;
import dev.powersweep.fitting.result.FitResult;
import dev.powersweep.fitting.result.Prediction;
import dev.powersweep.fitting.runs.Observations;
import dev.powersweep.fitting.runs.Point;
import dev.powersweep.fitting.runs.Quantity;
import java.util.SplittableRandom;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.EnumSource;

class BootstrapTest {
    private static final ParametricLaw LAW = (ParametricLaw) Laws.byName("chinchilla");
    private static final double[] TRUTH = {1.69, 406.4, 410.7, 0.34, 0.28};

    private static Observations noisy(int copiesOfARun, long seed) {
        SplittableRandom random = new SplittableRandom(seed);
        int rows = 64 * copiesOfARun;
        double[] n = new double[rows];
        double[] d = new double[rows];
        double[] loss = new double[rows];
        int[] run = new int[rows];
        for (int i = 0; i < 64; i++) {
            double shared = random.nextGaussian();
            for (int c = 0; c < copiesOfARun; c++) {
                int at = i * copiesOfARun + c;
                run[at] = i;
                n[at] = 1e7 * Math.pow(2, i % 8);
                d[at] = 1e9 * Math.pow(2, Math.floorDiv(i, 8)) * (1 + 0.01 * c);
                loss[at] = LAW.predict(TRUTH, Point.nd(n[at], d[at]))
                        * Math.exp(0.01 * shared + 1e-4 * random.nextGaussian());
            }
        }
        return Observations.builder()
                .parameters(n)
                .tokens(d)
                .loss(loss)
                .runs(run)
                .build();
    }

    @ParameterizedTest
    @EnumSource(Resampling.class)
    void doesNotDependOnTheNumberOfThreads(Resampling resampling) {
        Observations runs = noisy(1, 4);
        FitOptions options =
                FitOptions.defaults().bootstrap(60).resampling(resampling).seed(9);

        FitResult one = Fitter.fit(LAW, runs, options.threads(1));
        FitResult three = Fitter.fit(LAW, runs, options.threads(3));

        assertThat(three.replicas().values()).isDeepEqualTo(one.replicas().values());
        assertThat(three.parameters()).isEqualTo(one.parameters());
    }

    @Test
    void refitsSpreadOverMachinesAreThoseOfTheWholeFit() {
        Observations runs = noisy(1, 5);
        FitOptions options = FitOptions.defaults().bootstrap(40).seed(3);
        FitResult whole = Fitter.fit(LAW, runs, options);

        double[][] part = Fitter.refits(LAW, runs, options, whole.values(), 25, 40);

        for (int k = 0; k < part.length; k++) {
            for (int j = 0; j < TRUTH.length; j++) {
                double expected = whole.replicas().values()[25 + k][j];
                assertThat(part[k][j]).isCloseTo(expected, within(1e-6 * expected));
            }
        }
    }

    @Test
    void anotherSeedDrawsAnother() {
        Observations runs = noisy(1, 6);

        double[][] one = Fitter.refits(LAW, runs, FitOptions.defaults().seed(1), TRUTH, 0, 3);
        double[][] other = Fitter.refits(LAW, runs, FitOptions.defaults().seed(2), TRUTH, 0, 3);

        assertThat(one[0]).isNotEqualTo(other[0]);
        assertThat(one[0]).isNotEqualTo(one[1]);
    }

    @Test
    void rowsOfOneRunCountAsOne() {
        double single = width(noisy(1, 7));
        double copied = width(noisy(4, 7));

        // Four nearly equal rows a run bring no new knowledge; drawing rows would halve the interval.
        assertThat(copied / single).isBetween(0.75, 1.35);
    }

    private static double width(Observations runs) {
        FitResult fit = Fitter.fit(LAW, runs, FitOptions.defaults().bootstrap(300));
        return fit.parameters().get("alpha").high()
                - fit.parameters().get("alpha").low();
    }

    @Test
    void bandsHoldTheLawAndItsOutcomes() {
        Observations runs = noisy(1, 8);
        FitResult fit = Fitter.fit(LAW, runs, FitOptions.defaults().bootstrap(400));

        int inside = 0;
        for (int i = 0; i < runs.size(); i++) {
            Prediction band = fit.predict(runs.point(i));
            assertThat(band.low()).isLessThan(band.high());
            assertThat(band.lowOutcome()).isLessThanOrEqualTo(band.low());
            assertThat(band.highOutcome()).isGreaterThanOrEqualTo(band.high());
            double observed = runs.at(Quantity.LOSS, i);
            inside += band.lowOutcome() <= observed && observed <= band.highOutcome() ? 1 : 0;
        }
        assertThat(inside).isBetween(56, 64);
        Prediction far = fit.predict(Point.nd(1e12, 2e13));
        assertThat(far.high() - far.low())
                .isGreaterThan(fit.predict(Point.nd(1e8, 1e10)).high()
                        - fit.predict(Point.nd(1e8, 1e10)).low());
    }
}
