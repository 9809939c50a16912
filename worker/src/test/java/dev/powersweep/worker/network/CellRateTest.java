package dev.powersweep.worker.network;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.within;

import dev.powersweep.worker.cell.BatchWarmup;
import dev.powersweep.worker.cell.Branch;
import dev.powersweep.worker.cell.DataRule;
import dev.powersweep.worker.cell.Schedule;
import dev.powersweep.worker.cell.TrainingRule;
import java.util.List;
import java.util.Optional;
import java.util.OptionalInt;
import org.junit.jupiter.api.Test;
import org.nd4j.shade.jackson.databind.ObjectMapper;

class CellRateTest {

    private static CellRate rate(Schedule schedule, long warmup, long steps) {
        return rate(schedule, warmup, new DataRule("c", steps, 8, 1000));
    }

    private static CellRate rate(Schedule schedule, long warmup, DataRule data) {
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
                data);
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
    void aSmallerBatchLowersTheRateByItsOwnFactorOnTopOfTheSchedule() throws Exception {
        BatchWarmup smaller =
                new BatchWarmup(List.of(new BatchWarmup.Stage(2, 2, 0.5), new BatchWarmup.Stage(3, 4, 0.75)));
        CellRate rate = rate(new Schedule.Constant(), 4, new DataRule("c", 10, 8, 1000, Optional.of(smaller)));
        assertThat(rate.at(1)).isEqualTo(0.5 * 0.5);
        assertThat(rate.at(2)).isEqualTo(0.5);
        assertThat(rate.at(3)).isEqualTo(1.5 * 0.75);
        assertThat(rate.at(5)).isEqualTo(2 * 0.75);
        assertThat(rate.at(6)).isEqualTo(2);
        assertThat(rate.clone()).isEqualTo(rate).isNotEqualTo(rate(new Schedule.Constant(), 4, 10));
        ObjectMapper stored = new ObjectMapper();
        String json = stored.writeValueAsString(rate);
        assertThat(stored.readValue(json, CellRate.class)).isEqualTo(rate);
        assertThat(stored.writeValueAsString(rate(new Schedule.Constant(), 4, 10)))
                .as("networks of constant batches are written as before")
                .doesNotContain("batchWarmup");
    }

    @Test
    void afterABranchTheRateStaysWhereItsFactorPutsItUntilTheEnd() throws Exception {
        DataRule data = new DataRule("c", 20, 16, 1000, Optional.empty(), Optional.of(new Branch(10, 8, 1.5)));
        CellRate rate = rate(new Schedule.SharedTrunk(0.2), 4, data);
        CellRate trunk = rate(new Schedule.SharedTrunk(0.2), 4, 100);
        for (long step = 1; step <= 10; step++) {
            assertThat(rate.at(step)).isEqualTo(trunk.at(step));
        }
        assertThat(rate.at(11)).isEqualTo(3);
        assertThat(rate.at(20)).as("no cooldown").isEqualTo(3);
        assertThat(rate.clone()).isEqualTo(rate).isNotEqualTo(rate(new Schedule.SharedTrunk(0.2), 4, 20));
        ObjectMapper stored = new ObjectMapper();
        assertThat(stored.readValue(stored.writeValueAsString(rate), CellRate.class))
                .isEqualTo(rate);
        assertThat(stored.writeValueAsString(trunk))
                .as("networks of runs of their own are written as before")
                .doesNotContain("branch");
    }

    @Test
    void iterationsOfNd4jSchedulesCountFromZero() {
        CellRate rate = rate(new Schedule.Linear(0), 3, 50);
        assertThat(rate.valueAt(0, 0)).isEqualTo(rate.at(1));
        assertThat(rate.clone().valueAt(49, 0)).isEqualTo(rate.at(50));
    }
}
