package dev.powersweep.fitting.surface;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.within;

import dev.powersweep.fitting.surface.QuadraticOptimum.Minimum;
import dev.powersweep.fitting.surface.QuadraticOptimum.Missing;
import dev.powersweep.fitting.surface.QuadraticOptimum.Reason;
import java.util.Random;
import org.junit.jupiter.api.Test;

class QuadraticOptimumTest {
    private static final long SEED = Long.getLong("test.seed", 20260101L);

    @Test
    void noiseFreeSurfacesGiveBackTheirOptimumAndCurvature() {
        Random random = new Random(SEED);
        for (int trial = 0; trial < 200; trial++) {
            double bestRate = Math.log(1e-3) + random.nextGaussian();
            double bestBatch = Math.log(1e5) + random.nextGaussian();
            double[][] grid = grid(bestRate + .4 * random.nextDouble(), bestBatch - .4 * random.nextDouble());
            double[] loss = surface(grid, bestRate, bestBatch, .08, -.02, .03, 0, random);
            Minimum fit = (Minimum) QuadraticOptimum.fit(grid, loss);

            assertThat(fit.logSetting()[0]).as("seed %d, trial %d", SEED, trial).isCloseTo(bestRate, within(1e-8));
            assertThat(fit.logSetting()[1]).as("seed %d, trial %d", SEED, trial).isCloseTo(bestBatch, within(1e-8));
            assertThat(fit.loss()).isCloseTo(3, within(1e-9));
            assertThat(fit.hessian()[0][0]).isCloseTo(.08, within(1e-9));
            assertThat(fit.hessian()[0][1]).isCloseTo(-.02, within(1e-9));
        }
    }

    @Test
    void intervalsCoverTheTruthAboutNineteenTimesInTwenty() {
        Random random = new Random(SEED);
        int covered = 0;
        int trials = 3000;
        for (int trial = 0; trial < trials; trial++) {
            double[][] grid = grid(Math.log(1e-3), Math.log(1e5));
            double[] loss = surface(grid, Math.log(1.2e-3), Math.log(.9e5), .08, -.02, .03, .004, random);
            double[] interval = ((Minimum) QuadraticOptimum.fit(grid, loss)).interval(0, .95);
            if (interval[0] <= 1.2e-3 && 1.2e-3 <= interval[1]) {
                covered++;
            }
        }
        assertThat((double) covered / trials).as("seed %d", SEED).isBetween(.93, .97);
    }

    @Test
    void theToleranceOfASettingIsReadOffTheCurvature() {
        double[][] rates = {{1e-4, 3e-4, 1e-3, 3e-3}};
        double[] loss = new double[4];
        for (int i = 0; i < 4; i++) {
            double x = Math.log(rates[0][i] / 5e-4);
            loss[i] = 2 + .05 * x * x;
        }
        Minimum fit = (Minimum) QuadraticOptimum.fit(rates, loss);

        assertThat(fit.setting(0)).isCloseTo(5e-4, within(1e-12));
        // 0.05·ln² t = 0.01 at t = e^√0.2.
        assertThat(fit.tolerance(0, .01)).isCloseTo(Math.exp(Math.sqrt(.2)), within(1e-9));
    }

    @Test
    void surfacesWithoutAMinimumInsideAreRefusedByKind() {
        double[][] rates = {{1e-4, 2e-4, 4e-4, 8e-4}};
        assertThat(QuadraticOptimum.fit(rates, new double[] {4, 3, 2.2, 1.6}))
                .isEqualTo(new Missing(Reason.UPPER_EDGE, 0));
        assertThat(QuadraticOptimum.fit(rates, new double[] {1.6, 2.2, 3, 4}))
                .isEqualTo(new Missing(Reason.LOWER_EDGE, 0));
        assertThat(QuadraticOptimum.fit(rates, new double[] {2, 2.5, 2.5, 2}))
                .isEqualTo(new Missing(Reason.NOT_CONVEX, -1));
        assertThat(QuadraticOptimum.fit(new double[][] {{1e-4, 2e-4}}, new double[] {2, 3}))
                .isEqualTo(new Missing(Reason.TOO_FEW_POINTS, -1));
        assertThat(QuadraticOptimum.fit(new double[][] {{1e-4, 2e-4, 2e-4, 1e-4}}, new double[] {2, 3, 3, 2}))
                .isEqualTo(new Missing(Reason.COLLINEAR, 0));
        double[] rate = {1e-4, 2e-4, 3e-4, 4e-4, 5e-4, 6e-4, 7e-4};
        double[] batch = {1e4, 2e4, 3e4, 4e4, 5e4, 6e4, 7e4};
        assertThat(QuadraticOptimum.fit(new double[][] {rate, batch}, new double[] {5, 4, 3, 2, 3, 4, 5}))
                .isEqualTo(new Missing(Reason.COLLINEAR, -1));
    }

    private static double[][] grid(double rateCentre, double batchCentre) {
        double[][] grid = new double[2][25];
        for (int i = 0; i < 25; i++) {
            grid[0][i] = Math.exp(rateCentre + (i / 5 - 2) * .7);
            grid[1][i] = Math.exp(batchCentre + (i % 5 - 2) * .7);
        }
        return grid;
    }

    private static double[] surface(
            double[][] grid, double rate, double batch, double xx, double xy, double yy, double noise, Random random) {
        double[] loss = new double[grid[0].length];
        for (int i = 0; i < loss.length; i++) {
            double x = Math.log(grid[0][i]) - rate;
            double y = Math.log(grid[1][i]) - batch;
            loss[i] = 3 + xx * x * x / 2 + xy * x * y + yy * y * y / 2 + noise * random.nextGaussian();
        }
        return loss;
    }
}
