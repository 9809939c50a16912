package dev.powersweep.fitting.result;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.within;

import java.util.Arrays;
import java.util.SplittableRandom;
import java.util.stream.IntStream;
import org.junit.jupiter.api.Test;

/** Ends of intervals from refits. */
class ReplicasTest {
    private static final double CONFIDENCE = 0.95;

    /** 1, 2 … 999: the q-th quantile is 1000·q. */
    private static double[] evenly() {
        return IntStream.rangeClosed(1, 999).asDoubleStream().toArray();
    }

    @Test
    void numbersEvenlyAboutTheEstimateKeepTheirCentralInterval() {
        assertThat(Replicas.interval(evenly(), 500, CONFIDENCE))
                .containsExactly(Replicas.interval(evenly(), CONFIDENCE), within(1e-9));
        assertThat(Replicas.interval(evenly(), CONFIDENCE)).containsExactly(new double[] {25, 975}, within(1e-9));
    }

    @Test
    void theBiasOfTheMiddleIsTakenOut() {
        // 600 of 999 lie below: z0 = Φ⁻¹(600.5/1000) = 0.254641, and Φ(2·z0 ± 1.959964) = 0.073434, 0.993229 (by
        // SciPy).
        double[] ends = Replicas.interval(evenly(), 600.4, CONFIDENCE);

        assertThat(ends[0]).isCloseTo(73.434, within(1e-3));
        assertThat(ends[1]).isCloseTo(993.230, within(1e-3));
    }

    @Test
    void numbersThatAreNotAboutTheEstimateKeepAtLeastTheirCentralInterval() {
        double[] central = Replicas.interval(evenly(), CONFIDENCE);

        for (double estimate : new double[] {-5, 1, 200, 800, 999, 2000}) {
            double[] ends = Replicas.interval(evenly(), estimate, CONFIDENCE);
            assertThat(ends[0]).isLessThanOrEqualTo(central[0]);
            assertThat(ends[1]).isGreaterThanOrEqualTo(central[1]);
        }
    }

    @Test
    void aBoundThatManyRefitsEndAtCountsHalf() {
        double[] atBound = new double[1000];
        Arrays.fill(atBound, 500, 1000, 1);

        assertThat(Replicas.interval(atBound, 0, CONFIDENCE)).containsExactly(0, 1);
    }

    @Test
    void orderAndNumbersThatAreNoneDoNotMatter() {
        SplittableRandom random = new SplittableRandom(4);
        double[] numbers = random.doubles(200).toArray();
        double[] sorted = numbers.clone();
        Arrays.sort(sorted);
        double[] more = Arrays.copyOf(numbers, 203);
        Arrays.fill(more, 200, 203, Double.NaN);

        assertThat(Replicas.interval(more, 0.45, CONFIDENCE))
                .containsExactly(Replicas.interval(sorted, 0.45, CONFIDENCE));
        assertThat(Replicas.interval(new double[9], 0, CONFIDENCE)).containsOnly(Double.NaN);
    }
}
