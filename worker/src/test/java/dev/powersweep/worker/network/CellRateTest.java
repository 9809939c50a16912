package dev.powersweep.worker.network;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.within;

import dev.powersweep.worker.cell.Schedule;
import dev.powersweep.worker.cell.TrainingRule;
import java.util.OptionalInt;
import org.junit.jupiter.api.Test;

class CellRateTest {

    private static CellRate rate(Schedule schedule, long warmup, long steps) {
        return new CellRate(
                new TrainingRule(
                        2,
                        warmup,
                        schedule,
                        0.9,
                        0.95,
                        1e-8,
                        0,
                        0,
                        0,
                        0.02,
                        OptionalInt.empty(),
                        OptionalInt.empty(),
                        TrainingRule.Divergence.DEFAULT),
                steps);
    }

    @Test
    void warmupRisesInAStraightLineFromZeroToThePeak() {
        CellRate rate = rate(new Schedule.Constant(), 4, 10);
        assertThat(rate.at(1)).isEqualTo(0.5);
        assertThat(rate.at(2)).isEqualTo(1);
        assertThat(rate.at(4)).isEqualTo(2);
        assertThat(rate.at(10)).isEqualTo(2);
    }

    @Test
    void cosineAndLinearEndAtTheirFinalFractionOnTheLastStep() {
        CellRate cosine = rate(new Schedule.Cosine(0.1), 0, 100);
        assertThat(cosine.at(50)).isCloseTo(1.1, within(1e-12));
        assertThat(cosine.at(100)).isCloseTo(0.2, within(1e-12));
        CellRate linear = rate(new Schedule.Linear(0), 10, 110);
        assertThat(linear.at(60)).isCloseTo(1, within(1e-12));
        assertThat(linear.at(110)).isZero();
    }

    @Test
    void cooldownKeepsThePeakAndThenFallsByTheSquareRoot() {
        CellRate rate = rate(new Schedule.ConstantWithCooldown(0.2), 0, 100);
        assertThat(rate.at(81)).isEqualTo(2);
        assertThat(rate.at(86)).isCloseTo(2 * (1 - Math.sqrt(5.0 / 20)), within(1e-12));
        assertThat(rate.at(100)).isPositive().isCloseTo(2 * (1 - Math.sqrt(19.0 / 20)), within(1e-12));
    }

    @Test
    void iterationsOfNd4jSchedulesCountFromZero() {
        CellRate rate = rate(new Schedule.Linear(0), 3, 50);
        assertThat(rate.valueAt(0, 0)).isEqualTo(rate.at(1));
        assertThat(rate.clone().valueAt(49, 0)).isEqualTo(rate.at(50));
    }
}
