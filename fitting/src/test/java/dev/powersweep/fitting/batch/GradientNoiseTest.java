package dev.powersweep.fitting.batch;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.within;

import java.util.Arrays;
import java.util.Random;
import org.junit.jupiter.api.Test;

class GradientNoiseTest {
    private static final long SEED = Long.getLong("test.seed", 20260101L);

    @Test
    void exactExpectationsGiveTheExactNoiseScale() {
        // E|G_B|² = |G|² + tr Σ/B with |G|² = 0.25 and tr Σ = 1000.
        double[] small = {.25 + 1000 / 512.0, .25 + 1000 / 512.0};
        double[] big = {.25 + 1000 / 8192.0, .25 + 1000 / 8192.0};
        GradientNoise noise =
                GradientNoise.average(small, big, fill(512, 2), fill(8192, 2)).orElseThrow();

        assertThat(noise.squaredGradient()).isCloseTo(.25, within(1e-12));
        assertThat(noise.traceOfCovariance()).isCloseTo(1000, within(1e-9));
        assertThat(noise.noiseScale().orElseThrow()).isCloseTo(4000, within(1e-8));
    }

    @Test
    void averagesAreTakenBeforeDividingSoThatNegativeStepsDoNotSpoilTheScale() {
        Random random = new Random(SEED);
        int dimensions = 64;
        int steps = 4000;
        double[] small = new double[steps];
        double[] big = new double[steps];
        double g = .05;
        for (int t = 0; t < steps; t++) {
            double[] sum = new double[dimensions];
            for (int micro = 0; micro < 4; micro++) {
                double norm = 0;
                for (int i = 0; i < dimensions; i++) {
                    // One micro-batch of 16 tokens: gradient g in every direction, unit noise per token.
                    double gradient = g + random.nextGaussian() / 4;
                    sum[i] += gradient / 4;
                    norm += gradient * gradient;
                }
                small[t] += norm / 4;
            }
            big[t] = Arrays.stream(sum).map(x -> x * x).sum();
        }
        GradientNoise noise = GradientNoise.average(small, big, fill(16, steps), fill(64, steps))
                .orElseThrow();
        double truth = 1 / (g * g);

        assertThat(noise.negativeShare()).as("the test needs negative steps").isGreaterThan(.01);
        assertThat(noise.standardError()).isBetween(.005 * truth, .1 * truth);
        assertThat(noise.noiseScale().orElseThrow())
                .as("seed %d", SEED)
                .isCloseTo(truth, within(4 * noise.standardError()));
    }

    @Test
    void aSmallBatchThatIsNotSmallerIsRefusedAndAVanishingGradientHasNoScale() {
        assertThat(GradientNoise.average(fill(1, 1), fill(1, 1), fill(64, 1), fill(64, 1)))
                .isEmpty();
        assertThat(GradientNoise.average(new double[0], new double[0], new double[0], new double[0]))
                .isEmpty();
        GradientNoise lost = GradientNoise.average(fill(2, 3), fill(.4, 3), fill(64, 3), fill(256, 3))
                .orElseThrow();
        assertThat(lost.squaredGradient()).isNegative();
        assertThat(lost.noiseScale()).isEmpty();
    }

    private static double[] fill(double value, int size) {
        double[] values = new double[size];
        Arrays.fill(values, value);
        return values;
    }
}
