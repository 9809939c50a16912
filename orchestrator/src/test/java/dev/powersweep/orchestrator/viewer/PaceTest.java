package dev.powersweep.orchestrator.viewer;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.within;

import dev.powersweep.orchestrator.view.SweepPicture;
import java.time.Instant;
import java.util.Arrays;
import java.util.List;
import org.junit.jupiter.api.Test;

class PaceTest {
    private static final Instant BEGIN = Instant.parse("2026-01-02T03:04:05Z");

    @Test
    void pausesBetweenDriversDoNotCount() {
        DrivenTime time = new DrivenTime();
        assertThat(time.seconds()).isZero();
        assertThat(time.until(BEGIN)).isZero();
        time.begins(BEGIN);
        time.lives(BEGIN.plusSeconds(10));
        time.lives(BEGIN.plusSeconds(4));
        time.begins(BEGIN.plusSeconds(1000));
        time.lives(BEGIN.plusSeconds(1020));
        assertThat(time.seconds()).isEqualTo(30);
        assertThat(time.until(BEGIN.minusSeconds(5))).isZero();
        assertThat(time.until(BEGIN.plusSeconds(4))).isEqualTo(4);
        assertThat(time.until(BEGIN.plusSeconds(500))).isEqualTo(10);
        assertThat(time.until(BEGIN.plusSeconds(1005))).isEqualTo(15);
        assertThat(time.until(BEGIN.plusSeconds(9999))).isEqualTo(30);
    }

    @Test
    void aDriverWhoseClockIsBehindItsPredecessorsTakesNoTimeTwice() {
        DrivenTime time = new DrivenTime();
        time.begins(BEGIN);
        time.lives(BEGIN.plusSeconds(10));
        time.begins(BEGIN.plusSeconds(7));
        time.lives(BEGIN.plusSeconds(12));
        assertThat(time.seconds()).isEqualTo(12);
    }

    @Test
    void theRatesHoldEveryTokenWhereItWasTrained() {
        List<Pace.Work> works =
                List.of(new Pace.Work(0, 60, 6_000), new Pace.Work(30, 120, 18_000), new Pace.Work(119.99, 120, 500));
        SweepPicture.Throughput pace = Pace.of(works, 120);
        double width = pace.seconds()[1] - pace.seconds()[0];
        assertThat(Arrays.stream(pace.rates()).sum() * width).isCloseTo(24_500, within(1e-6));
        assertThat(pace.rates()[10]).as("one attempt").isCloseTo(100, within(1e-9));
        assertThat(pace.rates()[45]).as("two at once").isCloseTo(300, within(1e-9));
        assertThat(pace.rates()[90]).as("the other alone").isCloseTo(200, within(1e-9));
        assertThat(Pace.of(List.of(), 120).rates()).isEmpty();
        assertThat(Pace.of(works, 0).rates()).isEmpty();
    }
}
