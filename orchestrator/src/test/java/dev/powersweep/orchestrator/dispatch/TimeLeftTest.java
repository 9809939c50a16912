package dev.powersweep.orchestrator.dispatch;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.within;

import dev.powersweep.orchestrator.driver.StandInTrainer;
import dev.powersweep.orchestrator.driver.Sweeps;
import dev.powersweep.orchestrator.plan.RunPolicy;
import dev.powersweep.worker.cell.BatchWarmup;
import dev.powersweep.worker.cell.Cell;
import dev.powersweep.worker.cell.DataRule;
import java.time.Instant;
import java.util.List;
import java.util.Optional;
import java.util.Set;
import org.junit.jupiter.api.Test;

/** Four cells of 100 steps, planned to take 17 seconds each, on two slots. */
class TimeLeftTest {
    private static final Instant START = Instant.parse("2026-01-01T00:00:00Z");
    private static final int SLOTS = 2;
    private static final long STEPS = 100;
    private static final double PLANNED = 17;

    private record Heard(String cell, int attempt, long step, long storedStep, double tokensPerSecond)
            implements LiveCells.Update {}

    private final SweepState state = state(PLANNED);
    private final SweepCourse<Heard> course = new SweepCourse<>(
            state,
            RunPolicy.DEFAULT,
            state.cells().stream().map(cell -> cell.cell().id()).toList(),
            0,
            true,
            event -> {});
    private final List<AttemptOrder> begun = course.fill(SLOTS, Set.of("host"), START);

    private static SweepState state(double planned) {
        SweepState state = new SweepState();
        for (int i = 0; i < 4; i++) {
            Cell base = Sweeps.cell(1, 10, StandInTrainer.Trouble.NONE);
            Cell cell = new Cell(
                    base.model(), new DataRule("c0ffee", STEPS, 8, 10_000), base.training(), base.evaluation(), i);
            state.apply(new LedgerEvent.Planned(START, "cell-" + i, cell, planned, 1));
        }
        return state;
    }

    private static Instant at(double seconds) {
        return START.plusNanos(Math.round(seconds * 1e9));
    }

    /** @param rate tokens a second, of cells' {@code batchTokens} a step */
    private void heard(int which, long step, double stepsPerSecond, double seconds) {
        Cell cell = begun.get(which).gridCell().cell();
        course.heard(new Heard(cell.id(), 1, step, 0, stepsPerSecond * cell.batchTokens()), at(seconds));
    }

    @Test
    void beforeAnythingIsHeardThePlanCounts() {
        assertThat(course.secondsLeft(SLOTS, START)).isCloseTo(2 * PLANNED, within(1e-9));
        assertThat(course.secondsLeft(SLOTS, at(10))).isCloseTo((4 * PLANNED - 20) / 2, within(1e-9));
        assertThat(course.surprise(SLOTS, at(10))).isEmpty();
    }

    /** 95 steps at half a step a second are 190 s, and a whole cell 200. */
    @Test
    void theFirstReportReplacesThePlanOfTheCellAndOfThoseThatAreAsYetUnheard() {
        heard(0, 5, 0.5, 14);

        assertThat(course.secondsLeft(SLOTS, at(14))).isCloseTo((190 + (200 - 14) + 2 * 200) / 2.0, within(1e-6));
        assertThat(course.secondsLeft(SLOTS, at(54))).isCloseTo((150 + (200 - 54) + 2 * 200) / 2.0, within(1e-6));
    }

    /** 200 of its 600 tokens' worth take the first 200 steps, as long as the last 200 steps of twice the batch do. */
    @Test
    void stepsOfSmallerBatchesCountByTheirTokens() {
        Cell base = Sweeps.cell(1, 10, StandInTrainer.Trouble.NONE);
        BatchWarmup warmup = new BatchWarmup(List.of(new BatchWarmup.Stage(200, 4, 1)));
        Cell cell = new Cell(
                base.model(),
                new DataRule("c0ffee", 400, 8, 10_000, Optional.of(warmup)),
                base.training(),
                base.evaluation(),
                0);
        SweepState one = new SweepState();
        one.apply(new LedgerEvent.Planned(START, "warmed", cell, 1000, 1));
        SweepCourse<Heard> alone = new SweepCourse<>(one, RunPolicy.DEFAULT, List.of(cell.id()), 0, true, event -> {});
        alone.fill(1, Set.of("host"), START);
        alone.heard(new Heard(cell.id(), 1, 100, 0, 0), at(1));
        alone.heard(new Heard(cell.id(), 1, 200, 0, 0), at(2));

        assertThat(alone.secondsLeft(1, at(2))).isCloseTo(4, within(1e-6));
    }

    /** Its first steps were slow: 2 s a step, then 0.1. */
    @Test
    void laterReportsReplaceTheFirst() {
        heard(0, 1, 0.5, 4);
        heard(1, 1, 0.5, 4);
        heard(0, 51, 10, 9);
        heard(1, 51, 10, 9);

        assertThat(course.secondsLeft(SLOTS, at(9))).isCloseTo((2 * 4.9 + 2 * 10) / 2, within(1e-6));
    }

    @Test
    void aCellThatEndsIsForgottenAndFinishedOnesCountAsBefore() {
        heard(0, 5, 0.5, 14);
        String cell = begun.get(0).gridCell().cell().id();
        course.ended(Reports.finished(cell, 1, STEPS, 204, at(204)), at(204));

        // Twelve times as long as planned, by the one that has finished: of the other three one is done by its time.
        assertThat(course.secondsLeft(SLOTS, at(204))).isCloseTo(204, within(1e-6));
    }

    @Test
    void whatSurelyContradictsThePlanIsToldOnce() {
        heard(0, 5, 0.5, 4);
        assertThat(course.surprise(SLOTS, at(4)))
                .as("the first steps of a JVM are slow")
                .isEmpty();
        heard(0, 8, 0.5, 10);
        assertThat(course.surprise(SLOTS, at(10)))
                .as("three steps in six seconds are not yet a pace")
                .isEmpty();
        heard(0, 20, 0.5, 34);

        Optional<TimeLeft.Surprise> surprise = course.surprise(SLOTS, at(34));

        assertThat(surprise).hasValueSatisfying(told -> {
            assertThat(told.factor()).isCloseTo(200 / PLANNED, within(1e-6));
            assertThat(told.seconds()).isCloseTo((160 + 166 + 2 * 200) / 2.0, within(1e-6));
            assertThat(told.plannedSeconds()).isCloseTo(PLANNED, within(1e-6));
        });
        assertThat(course.surprise(SLOTS, at(35))).isEmpty();
    }

    /** Twenty steps in ten seconds, a third of the pace that was planned. */
    @Test
    void manyStepsAreAPaceSooner() {
        heard(0, 1, 3.5, 2);
        heard(0, 21, 2, 12);
        assertThat(course.surprise(SLOTS, at(12))).isPresent();
    }

    @Test
    void aFirstReportThatComesAfterTheCellShouldHaveEndedIsToldAtOnce() {
        heard(0, 5, 0.5, 60);
        assertThat(course.surprise(SLOTS, at(60))).isPresent();
    }

    /** A trainer may take longer to start than a small cell to train. */
    @Test
    void cellsThatKeepToThePlanSurpriseNobody() {
        heard(0, 10, 8, 30);
        heard(0, 60, 8, 36);
        assertThat(course.surprise(SLOTS, at(36))).isEmpty();
    }

    /** Seven steps in six seconds, the last of them in a tenth of a second each. */
    @Test
    void aCellThatIsAsFastAsPlannedByNowSurprisesNobody() {
        heard(0, 1, 0.1, 4);
        heard(0, 8, 10, 10);
        assertThat(course.surprise(SLOTS, at(10))).isEmpty();
    }

    /** It loads a trainer's classes: 100 such steps would be a thousand seconds. */
    @Test
    void theFirstStepAloneTellsNoPace() {
        heard(0, 1, 0.1, 12);
        assertThat(course.secondsLeft(SLOTS, at(12))).isCloseTo((4 * PLANNED - 24) / 2, within(1e-6));
    }

    /** Planned to take 0.03 s; the first steps of a JVM say that it takes minutes. */
    @Test
    void theFirstReportOfATinyCellSurprisesNobody() {
        SweepState tiny = state(0.03);
        SweepCourse<Heard> of = new SweepCourse<>(
                tiny,
                RunPolicy.DEFAULT,
                tiny.cells().stream().map(cell -> cell.cell().id()).toList(),
                0,
                true,
                event -> {});
        Cell cell = of.fill(1, Set.of("host"), START).get(0).gridCell().cell();
        of.heard(new Heard(cell.id(), 1, 1, 0, 0.2 * cell.batchTokens()), at(14));

        assertThat(of.surprise(1, at(14))).isEmpty();
    }
}
