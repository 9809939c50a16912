package dev.powersweep.fitting.isoflop;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.within;

import java.util.ArrayList;
import java.util.Arrays;
import java.util.Collections;
import java.util.List;
import java.util.Optional;
import java.util.Random;
import org.junit.jupiter.api.Test;

class IsoFlopPropertyTest {
    private static final long SEED = Long.getLong("test.seed", 20260101L);

    @Test
    void aParabolaIsRecoveredToMachinePrecisionFromNoiseFreeParabolas() {
        Random random = new Random(SEED);
        for (int trial = 0; trial < 200; trial++) {
            double best = 10 + 15 * random.nextDouble();
            double curvature = .01 + random.nextDouble();
            double[] n = new double[9];
            double[] loss = new double[9];
            for (int i = 0; i < n.length; i++) {
                n[i] = Math.exp(best - 1.5 + .4 * i + .2 * random.nextDouble());
                double t = Math.log(n[i]) - best;
                loss[i] = 2 + curvature * t * t;
            }
            IsoFlopMinimum minimum = MinimumMethod.PARABOLA.minimum(new IsoFlopCurve(1e20, n, n.clone(), loss));
            assertThat(minimum).as("seed %d, trial %d", SEED, trial).isInstanceOf(IsoFlopMinimum.Found.class);
            assertThat(Math.log(((IsoFlopMinimum.Found) minimum).n()))
                    .as("seed %d, trial %d", SEED, trial)
                    .isCloseTo(best, within(1e-9));
        }
    }

    @Test
    void theOrderOfRowsDoesNotMatter() {
        Random random = new Random(SEED);
        List<double[]> rows = new ArrayList<>();
        for (double flops : new double[] {1e15, 1e16, 1e17, 1e18}) {
            for (int i = 0; i < 8; i++) {
                double n = Math.sqrt(flops / 120) * Math.pow(2, i - 3.5);
                rows.add(new double[] {
                    flops, n, flops / 6 / n, 2 + .1 * Math.pow(i - 3.5, 2) + .001 * random.nextDouble()
                });
            }
        }
        Optional<OptimaFit> sorted = fit(rows);
        Collections.shuffle(rows, random);
        assertThat(fit(rows)).as("seed %d", SEED).isEqualTo(sorted).isPresent();
    }

    @Test
    void budgetsRoundedToWholeBatchesAreOneBudgetAndRepeatedSizesCountByTheirBestRun() {
        double[] flops = {1e18, 1.004e18, .998e18, 1e18, 2e18};
        double[] n = {1e6, 2e6, 4e6, 2e6, 2e6};
        double[] loss = {3.1, 3.0, 3.2, 2.9, 2.5};
        List<IsoFlopCurve> curves = IsoFlopCurve.group(flops, n, n, loss, IsoFlopCurve.DEFAULT_TOLERANCE);

        assertThat(curves).hasSize(2);
        assertThat(curves.get(0).n()).containsExactly(1e6, 2e6, 4e6);
        assertThat(curves.get(0).loss()).containsExactly(3.1, 2.9, 3.2);
        assertThat(curves.get(0).flops()).isBetween(.998e18, 1.004e18);
    }

    @Test
    void curvesWithoutAMinimumInsideAreRejectedByEveryMethod() {
        double[] n = {1e6, 2e6, 4e6, 8e6};
        IsoFlopCurve falling = new IsoFlopCurve(1e18, n, n, new double[] {4, 3.5, 3.2, 3.1});
        IsoFlopCurve rising = new IsoFlopCurve(1e18, n, n, new double[] {3.1, 3.2, 3.5, 4});
        IsoFlopCurve two = new IsoFlopCurve(1e18, Arrays.copyOf(n, 2), n, new double[] {3.1, 3.2});
        for (MinimumMethod method : MinimumMethod.values()) {
            assertThat(((IsoFlopMinimum.Rejected) method.minimum(falling)).reason())
                    .isEqualTo(IsoFlopMinimum.Reason.UPPER_EDGE);
            assertThat(((IsoFlopMinimum.Rejected) method.minimum(rising)).reason())
                    .isEqualTo(IsoFlopMinimum.Reason.LOWER_EDGE);
            assertThat(((IsoFlopMinimum.Rejected) method.minimum(two)).reason())
                    .isEqualTo(IsoFlopMinimum.Reason.TOO_FEW_SIZES);
        }
        IsoFlopCurve hill = new IsoFlopCurve(1e18, n, n, new double[] {3, 3.4, 3.4, 3});
        assertThat(((IsoFlopMinimum.Rejected) MinimumMethod.PARABOLA.minimum(hill)).reason())
                .isEqualTo(IsoFlopMinimum.Reason.NOT_CONVEX);
    }

    @Test
    void theNoiseOfLossesIsReadOffTheCurvesThemselves() {
        Random random = new Random(SEED);
        List<IsoFlopCurve> curves = new ArrayList<>();
        for (int k = 0; k < 24; k++) {
            double[] n = new double[15];
            double[] loss = new double[15];
            for (int i = 0; i < 15; i++) {
                n[i] = Math.exp(10 + .3 * i);
                loss[i] = (3 + .02 * Math.pow(i - 7, 2)) * Math.exp(.004 * random.nextGaussian());
            }
            curves.add(new IsoFlopCurve(Math.pow(10, 10 + k), n, n, loss));
        }
        assertThat(LossNoise.logDeviation(curves).orElseThrow())
                .as("seed %d", SEED)
                .isBetween(.0025, .0056);
    }

    @Test
    void theEnvelopeOfConstantRateCurvesFindsTheSurfacesExponent() {
        List<TrainingCurve> curves = new ArrayList<>();
        for (int i = 0; i < 40; i++) {
            double n = 1e6 * Math.pow(1.25, i);
            double[] tokens = new double[400];
            double[] flops = new double[400];
            double[] loss = new double[400];
            for (int k = 0; k < tokens.length; k++) {
                tokens[k] = 1e7 * Math.pow(1e5, k / 399.0);
                flops[k] = 6 * n * tokens[k];
                loss[k] = 1.69 + 406.4 * Math.pow(n, -.34) + 410.7 * Math.pow(tokens[k], -.28);
            }
            curves.add(new TrainingCurve(n, flops, tokens, loss));
        }
        Envelope envelope = Envelope.of(curves, Envelope.DEFAULT_GRID).orElseThrow();

        assertThat(envelope.winners()).isGreaterThan(12);
        assertThat(envelope.staircase().n().exponent()).isCloseTo(.28 / .62, within(.01));
        assertThat(envelope.staircase().d().exponent()).isCloseTo(.34 / .62, within(.01));
        assertThat(envelope.middles().orElseThrow().n().exponent()).isCloseTo(.28 / .62, within(.006));
    }

    @Test
    void anEnvelopeOfTwoSizesHasNoInteriorWinner() {
        double[] c = {1e15, 1e16, 1e17};
        TrainingCurve small = new TrainingCurve(1e6, c, c, new double[] {3, 2.8, 2.7});
        TrainingCurve large = new TrainingCurve(2e6, c, c, new double[] {3.2, 2.8, 2.5});
        assertThat(Envelope.of(List.of(small, large), 100)).isEmpty();
    }

    private static Optional<OptimaFit> fit(List<double[]> rows) {
        double[][] columns = new double[4][rows.size()];
        for (int i = 0; i < rows.size(); i++) {
            for (int k = 0; k < 4; k++) {
                columns[k][i] = rows.get(i)[k];
            }
        }
        return OptimaFit.of(
                IsoFlopCurve.group(columns[0], columns[1], columns[2], columns[3], .02), MinimumMethod.SPLINE);
    }
}
