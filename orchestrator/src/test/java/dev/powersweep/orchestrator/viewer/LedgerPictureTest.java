package dev.powersweep.orchestrator.viewer;

import static org.assertj.core.api.Assertions.assertThat;

import dev.powersweep.orchestrator.dispatch.AttemptReport;
import dev.powersweep.orchestrator.dispatch.LedgerEvent;
import dev.powersweep.orchestrator.dispatch.Outcome;
import dev.powersweep.orchestrator.dispatch.Reports;
import dev.powersweep.orchestrator.plan.RunPolicy;
import dev.powersweep.orchestrator.view.SweepPicture;
import dev.powersweep.worker.cell.Cell;
import dev.powersweep.worker.cell.DataRule;
import dev.powersweep.worker.cell.EvaluationRule;
import dev.powersweep.worker.cell.ModelCounts;
import dev.powersweep.worker.cell.Program;
import dev.powersweep.worker.cell.ProgramModel;
import dev.powersweep.worker.cell.Schedule;
import dev.powersweep.worker.cell.TrainingRule;
import java.time.Instant;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.OptionalDouble;
import java.util.OptionalInt;
import java.util.OptionalLong;
import org.junit.jupiter.api.Test;

/** Cells of a program that reports the size of its models. */
class LedgerPictureTest {
    private static final Instant NOW = Instant.parse("2026-01-02T03:04:05Z");

    private final LedgerPicture pages = new LedgerPicture("/d");
    private final Cell shorter = cell("6", 10);
    private final Cell longer = cell("6", 20);
    private final Cell other = cell("8", 10);

    private static Cell cell(String depth, long steps) {
        return new Cell(
                new ProgramModel(OptionalLong.empty(), Map.of("depth", depth), 4, OptionalInt.empty()),
                new DataRule(DataRule.NO_CORPUS, steps, 8, 32 * steps),
                new TrainingRule(
                        1e-3,
                        0,
                        new Schedule.Constant(),
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
                new EvaluationRule(4, 64, List.of("validation")),
                0,
                Optional.of(new Program(List.of("train"), List.of(), Map.of(), Map.of(), Program.Parameters.REPORTED)));
    }

    private void begin() {
        pages.apply(List.of(
                new LedgerEvent.DriverStarted(NOW, 1, Map.of(), "host", 1, "app", "test"),
                new LedgerEvent.Submitted(NOW, "s", DataRule.NO_CORPUS, "", RunPolicy.DEFAULT),
                new LedgerEvent.Planned(NOW, "shorter", shorter, 1, 1),
                new LedgerEvent.Planned(NOW, "longer", longer, 1, 1),
                new LedgerEvent.Planned(NOW, "other", other, 1, 1),
                new LedgerEvent.Running(NOW, shorter.id(), 1, 0)));
    }

    private SweepPicture picture() {
        return pages.picture(Optional.empty(), false, Optional.empty()).orElseThrow();
    }

    private List<Long> sizes() {
        return picture().cells().stream().map(cell -> cell.plan().parameters()).toList();
    }

    private AttemptReport sized(AttemptReport report) {
        return new AttemptReport(
                report.cell(),
                report.attempt(),
                report.outcome(),
                report.work(),
                NOW,
                NOW,
                report.place(),
                report.trainer(),
                "",
                Optional.of(new ModelCounts(OptionalLong.of(77), OptionalLong.empty(), OptionalDouble.empty())));
    }

    @Test
    void aReportedSizeIsThatOfEveryCellOfTheModel() {
        begin();
        assertThat(sizes()).containsExactly(0L, 0L, 0L);
        pages.apply(List.of(new LedgerEvent.Ended(NOW, sized(Reports.finished(shorter.id(), 1, 10, 1, NOW)))));
        assertThat(sizes()).containsExactly(77L, 77L, 0L);
    }

    @Test
    void tokensOfAnAttemptThatFoundItsCellEndedAreCountedOnce() {
        begin();
        AttemptReport stored = Reports.finished(shorter.id(), 1, 10, 1, NOW);
        pages.apply(List.of(
                new LedgerEvent.Ended(
                        NOW, Reports.report(shorter.id(), 1, Outcome.interrupted("no answer"), 6, 1, 8, "host", NOW)),
                new LedgerEvent.Running(NOW, shorter.id(), 2, 0),
                new LedgerEvent.Ended(NOW, stored.of(2))));
        assertThat(picture().totals().orElseThrow().tokens()).isEqualTo(10 * shorter.batchTokens());
    }
}
