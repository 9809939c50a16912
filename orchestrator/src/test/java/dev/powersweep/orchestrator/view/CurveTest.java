package dev.powersweep.orchestrator.view;

import static org.assertj.core.api.Assertions.assertThat;

import java.util.SplittableRandom;
import org.junit.jupiter.api.Test;

class CurveTest {
    @Test
    void aLongCurveKeepsItsFirstAndItsNewestPointAndStaysWithinItsBound() {
        Curve curve = new Curve(64);
        for (int i = 1; i <= 100_000; i++) {
            curve.add(i, 1.0 / i);
            assertThat(curve.size()).isLessThanOrEqualTo(64);
        }
        assertThat(curve.size()).isGreaterThan(30);
        assertThat(curve.x()[0]).isEqualTo(1);
        assertThat(curve.x()[curve.size() - 1]).isEqualTo(100_000);
        assertThat(curve.x()).isSorted();
    }

    @Test
    void whatIsKeptIsSpreadEvenlyOverWhatWasSeen() {
        SplittableRandom random = new SplittableRandom(Long.getLong("test.seed", 1));
        int seen = 1000 + random.nextInt(5000);
        Curve curve = new Curve(32);
        for (int i = 0; i < seen; i++) {
            curve.add(i, i);
        }
        double[] x = curve.x();
        double widest = 0;
        for (int i = 1; i < x.length; i++) {
            widest = Math.max(widest, x[i] - x[i - 1]);
        }
        assertThat(widest).as("seen %d", seen).isLessThanOrEqualTo(4.0 * seen / 32);
    }

    @Test
    void pointsThatGoBackOrAreNoNumbersArePassedOver() {
        Curve curve = new Curve(8);
        curve.add(1, 5);
        curve.add(2, Double.NaN);
        curve.add(3, 4);
        curve.add(2, 9);
        assertThat(curve.x()).containsExactly(1, 3);
        assertThat(curve.y()).containsExactly(5, 4);
    }
}
