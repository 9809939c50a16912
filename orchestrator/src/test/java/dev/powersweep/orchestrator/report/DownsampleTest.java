package dev.powersweep.orchestrator.report;

import static org.assertj.core.api.Assertions.assertThat;

import java.util.Arrays;
import java.util.SplittableRandom;
import org.junit.jupiter.api.Test;

class DownsampleTest {
    private static final long SEED = Long.getLong("test.seed", 1);

    @Test
    void extremesOfEveryStretchStayInOrder() {
        SplittableRandom random = new SplittableRandom(SEED);
        for (int round = 0; round < 50; round++) {
            int n = 200 + random.nextInt(3000);
            double[] x = new double[n];
            double[] y = new double[n];
            for (int i = 0; i < n; i++) {
                x[i] = 1 + i * 64.0;
                y[i] = 2 + random.nextDouble();
            }
            Downsample thin = Downsample.minMax(x, y, 40);
            assertThat(thin.x().length).as("seed %d", SEED).isLessThanOrEqualTo(2 * 40 + 2);
            assertThat(thin.x()).isSorted().startsWith(x[0]).endsWith(x[n - 1]);
            assertThat(Arrays.stream(thin.y()).max()).isEqualTo(Arrays.stream(y).max());
            assertThat(Arrays.stream(thin.y()).min()).isEqualTo(Arrays.stream(y).min());
        }
    }

    @Test
    void shortCurvesStayAsTheyAre() {
        double[] x = {1, 2, 3};
        double[] y = {5, 4, 3};
        assertThat(Downsample.minMax(x, y, 10).y()).containsExactly(5, 4, 3);
    }

    @Test
    void theMeanOfAPowerLawLiesOnIt() {
        double[] x = new double[5000];
        double[] y = new double[5000];
        for (int i = 0; i < x.length; i++) {
            x[i] = i + 1;
            y[i] = 3 * Math.pow(x[i], -0.2);
        }
        Downsample mean = Downsample.mean(x, y, 30);
        for (int i = 0; i < mean.x().length; i++) {
            assertThat(mean.y()[i])
                    .isCloseTo(3 * Math.pow(mean.x()[i], -0.2), org.assertj.core.data.Offset.offset(1e-9));
        }
    }
}
