package dev.powersweep.fitting.batch;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.within;

import dev.powersweep.fitting.batch.BranchedBatch.Noise;
import dev.powersweep.fitting.batch.BranchedBatch.Verdict;
import java.util.List;
import java.util.stream.DoubleStream;
import org.junit.jupiter.api.Test;

class WarmupScheduleTest {
    private static BranchedTrend trend(double... tokensAndBatches) {
        List<BranchedBatch> points = DoubleStream.iterate(0, i -> i < tokensAndBatches.length, i -> i + 2)
                .mapToObj(i -> point(tokensAndBatches[(int) i], tokensAndBatches[(int) i + 1]))
                .toList();
        return BranchedTrend.of(points, .95).orElseThrow();
    }

    private static BranchedBatch point(double at, double batch) {
        return new BranchedBatch(
                1e6, at, Verdict.DETERMINED, batch, batch / 2, batch * 2, List.of(), 1, Noise.EVALUATION);
    }

    @Test
    void theBatchDoublesWhereTheCriticalOneHasReachedItsDouble() {
        // B_crit = sqrt(t)·2: 2,000 at 1M, 4,096 at 4.19M, 8,000 at 16M.
        WarmupSchedule schedule =
                WarmupSchedule.of(trend(1e6, 2000, 4e6, 4000, 16e6, 8000), 1024).orElseThrow();

        assertThat(schedule.batch()).isEqualTo(4096);
        assertThat(schedule.doubleAt()).hasSize(2);
        assertThat(schedule.doubleAt().get(0)).isCloseTo(1024.0 * 1024, within(1.0));
        assertThat(schedule.doubleAt().get(1)).isCloseTo(2048.0 * 2048, within(1.0));
    }

    @Test
    void nothingIsRecommendedBeyondTheTokensThatWereMeasured() {
        assertThat(WarmupSchedule.of(trend(1e6, 2100, 2e6, 2500, 3e6, 2900), 1024))
                .isEmpty();
    }

    @Test
    void aCriticalSizeThatMayAsWellFallRecommendsNothing() {
        BranchedTrend trend = trend(1e6, 2000, 4e6, 9000, 16e6, 4500);
        assertThat(trend.exponent().value()).isPositive();
        assertThat(trend.exponent().low()).isNegative();
        assertThat(WarmupSchedule.of(trend, 1024)).isEmpty();
        assertThat(WarmupSchedule.of(trend(1e6, 8000, 4e6, 4000, 16e6, 2000), 1024))
                .isEmpty();
    }

    @Test
    void twoPointsAreNoTrend() {
        assertThat(BranchedTrend.of(List.of(point(1e6, 2000), point(4e6, 4000), point(4e6, 4100)), .95))
                .isEmpty();
    }
}
