package dev.powersweep.orchestrator.dispatch;

import static org.assertj.core.api.Assertions.assertThat;

import dev.powersweep.worker.cell.FailureClass;
import java.time.Instant;
import java.util.Optional;
import org.junit.jupiter.api.Test;

class TrainedStepsTest {
    private static final String CELL = "0123456789abcdef";
    private static final Instant NOW = Instant.parse("2026-01-02T03:04:05Z");

    private final TrainedSteps steps = new TrainedSteps();

    private static AttemptReport report(int attempt, Outcome outcome, long resumed, long step) {
        return Reports.report(CELL, attempt, outcome, step, 1, 8, "host", NOW)
                .with(new AttemptReport.Work(step, resumed, Optional.empty(), 1, 0, 8));
    }

    @Test
    void attemptsThatGoOnAddUp() {
        assertThat(steps.count(report(1, Outcome.interrupted("killed"), 0, 40))).isEqualTo(40);
        assertThat(steps.count(report(2, new Outcome.Finished(Reports.result(CELL, 100)), 40, 100)))
                .isEqualTo(60);
    }

    /** The store took the end and reported an error; the next attempt finds the cell ended and repeats the report. */
    @Test
    void aRepeatedReportCountsOnlyWhatNobodyHasToldOf() {
        assertThat(steps.count(report(1, Outcome.failed(FailureClass.IO, "no answer", ""), 0, 40)))
                .isEqualTo(40);
        AttemptReport stored = report(1, new Outcome.Finished(Reports.result(CELL, 100)), 0, 100);
        assertThat(steps.count(stored.of(2))).isEqualTo(60);
        assertThat(steps.count(stored.of(3))).isZero();
    }

    @Test
    void aCellThatIsTrainedAfreshCountsAgain() {
        steps.count(report(1, new Outcome.Finished(Reports.result(CELL, 100)), 0, 100));
        steps.afresh(CELL);
        assertThat(steps.count(report(2, new Outcome.Finished(Reports.result(CELL, 100)), 0, 100)))
                .isEqualTo(100);
    }
}
