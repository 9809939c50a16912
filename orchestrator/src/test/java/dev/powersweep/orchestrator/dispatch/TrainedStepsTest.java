package dev.powersweep.orchestrator.dispatch;

import static org.assertj.core.api.Assertions.assertThat;

import dev.powersweep.worker.cell.FailureClass;
import java.time.Instant;
import java.util.Optional;
import java.util.function.LongUnaryOperator;
import org.junit.jupiter.api.Test;

class TrainedStepsTest {
    private static final String CELL = "0123456789abcdef";
    private static final Instant NOW = Instant.parse("2026-01-02T03:04:05Z");

    private static final LongUnaryOperator STEPS = step -> step;

    private final TrainedSteps steps = new TrainedSteps();

    private static AttemptReport report(int attempt, Outcome outcome, long resumed, long step) {
        return Reports.report(CELL, attempt, outcome, step, 1, 8, "host", NOW)
                .with(new AttemptReport.Work(step, resumed, Optional.empty(), 1, 0, 8));
    }

    @Test
    void attemptsThatGoOnAddUp() {
        assertThat(steps.count(report(1, Outcome.interrupted("killed"), 0, 40), STEPS))
                .isEqualTo(40);
        assertThat(steps.count(report(2, new Outcome.Finished(Reports.result(CELL, 100)), 40, 100), STEPS))
                .isEqualTo(60);
    }

    /** The store took the end and reported an error; the next attempt finds the cell ended and repeats the report. */
    @Test
    void aRepeatedReportCountsOnlyWhatNobodyHasToldOf() {
        assertThat(steps.count(report(1, Outcome.failed(FailureClass.IO, "no answer", ""), 0, 40), STEPS))
                .isEqualTo(40);
        AttemptReport stored = report(1, new Outcome.Finished(Reports.result(CELL, 100)), 0, 100);
        assertThat(steps.count(stored.of(2), STEPS)).isEqualTo(60);
        assertThat(steps.count(stored.of(3), STEPS)).isZero();
    }

    @Test
    void aCellThatIsTrainedAfreshCountsAgain() {
        steps.count(report(1, new Outcome.Finished(Reports.result(CELL, 100)), 0, 100), STEPS);
        steps.afresh(CELL);
        assertThat(steps.count(report(2, new Outcome.Finished(Reports.result(CELL, 100)), 0, 100), STEPS))
                .isEqualTo(100);
    }

    @Test
    void tokensAreThoseOfTheStepsTheyWereTrainedIn() {
        // Half the batch for 50 steps.
        LongUnaryOperator tokens = step -> 4 * Math.min(step, 50) + 8 * Math.max(0, step - 50);
        assertThat(steps.count(report(1, Outcome.interrupted("killed"), 0, 40), tokens))
                .isEqualTo(160);
        assertThat(steps.count(report(2, new Outcome.Finished(Reports.result(CELL, 100)), 40, 100), tokens))
                .isEqualTo(40 + 400);
    }
}
