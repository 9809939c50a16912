package dev.powersweep.fitting.batch;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.within;

import java.util.ArrayList;
import java.util.List;
import java.util.Random;
import org.junit.jupiter.api.Test;

class CriticalBatchLawsTest {
    private static final long SEED = Long.getLong("test.seed", 20260101L);

    private static List<CriticalBatchPoint> points(double sizePower, double dataPower, double noise) {
        Random random = new Random(SEED);
        List<CriticalBatchPoint> points = new ArrayList<>();
        for (double n : new double[] {1e6, 4e6, 1.6e7, 6.4e7}) {
            for (double d : new double[] {1e8, 4e8, 1.6e9}) {
                double batch =
                        20 * Math.pow(n, sizePower) * Math.pow(d, dataPower) * Math.exp(noise * random.nextGaussian());
                points.add(new CriticalBatchPoint(n, 2 + 100 * Math.pow(d, -.3), d, d / batch, batch, 5));
            }
        }
        return points;
    }

    @Test
    void aBatchThatFollowsDataIsFoundToFollowData() {
        CriticalBatchLaws laws = CriticalBatchLaws.of(points(0, .4, .05));

        assertThat(laws.verdict())
                .startsWith("The critical batch size follows the data D better")
                .doesNotContain("too small");
        assertThat(laws.byData().orElseThrow().exponent()).isCloseTo(.4, within(.05));
        assertThat(CriticalBatchLaws.jointly(points(0, .4, 0)).orElseThrow().coefficients()[1])
                .isCloseTo(0, within(1e-9));
    }

    @Test
    void aBatchThatFollowsSizeIsFoundToFollowSize() {
        assertThat(CriticalBatchLaws.of(points(.4, 0, .05)).verdict())
                .startsWith("The critical batch size follows the model size N better");
    }

    @Test
    void sizesTrainedToTheSameTokensPerParameterCannotTell() {
        List<CriticalBatchPoint> points = new ArrayList<>();
        for (double n : new double[] {1e6, 4e6, 1.6e7, 6.4e7, 2.6e8}) {
            points.add(new CriticalBatchPoint(n, 3, 20 * n, 100, Math.sqrt(n), 5));
        }
        assertThat(CriticalBatchLaws.of(points).verdict())
                .contains("cannot tell whether", "vary one with the other fixed");
    }

    @Test
    void kaplansExponentOfTheLossComesBackFromHisLaw() {
        List<CriticalBatchPoint> points = new ArrayList<>();
        for (double loss : new double[] {5, 4, 3.5, 3, 2.7}) {
            points.add(new CriticalBatchPoint(1e8, loss, 1e9, 1e3, 2.1e8 * Math.pow(loss, -1 / .21), 6));
        }
        CriticalBatchLaws laws = CriticalBatchLaws.of(points);

        assertThat(laws.alphaB().orElseThrow()).isCloseTo(.21, within(1e-10));
        assertThat(laws.byLoss().orElseThrow().coefficient()).isCloseTo(2.1e8, within(1e-2));
        assertThat(laws.verdict()).startsWith("One model size");
    }

    @Test
    void dataToALossIsReadBetweenFinishedRunsAndNeverBeyondThem() {
        DataToLoss curve = new DataToLoss(
                new double[] {4e6, 1e6, 2e6, 2e6}, new double[] {2, 4, Math.sqrt(8) * 1.1, Math.sqrt(8) / 1.1});

        assertThat(curve.sizes()).isEqualTo(3);
        // ln L is straight in ln D here: L = 4·√(1e6/D)·….
        assertThat(curve.tokens(Math.sqrt(8)).orElseThrow()).isCloseTo(2e6, within(1e-3));
        assertThat(curve.tokens(Math.pow(2, 1.75)).orElseThrow()).isCloseTo(1e6 * Math.sqrt(2), within(1e-3));
        assertThat(curve.tokens(1.99)).isEmpty();
        assertThat(curve.tokens(4.01)).isEmpty();
    }

    @Test
    void stepsToALossAreReadAtTheFirstCrossingOfACurve() {
        TrainingCurveSteps curve =
                new TrainingCurveSteps(new double[] {10, 100, 1000, 2000}, new double[] {5, 4, 3, 3.1});

        assertThat(curve.steps(3.5).orElseThrow()).isCloseTo(Math.sqrt(1e5), within(1e-9));
        assertThat(curve.steps(3.05)).isPresent();
        assertThat(curve.steps(2.9)).isEmpty();
        assertThat(curve.lowest()).isEqualTo(3);
    }
}
