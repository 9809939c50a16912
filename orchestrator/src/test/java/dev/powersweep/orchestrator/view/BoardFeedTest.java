package dev.powersweep.orchestrator.view;

import static org.assertj.core.api.Assertions.assertThat;

import dev.powersweep.orchestrator.dispatch.AttemptReport;
import dev.powersweep.orchestrator.dispatch.LedgerEvent;
import dev.powersweep.orchestrator.dispatch.Outcome;
import dev.powersweep.orchestrator.dispatch.Reports;
import dev.powersweep.orchestrator.dispatch.SweepState;
import dev.powersweep.orchestrator.driver.StandInTrainer.Trouble;
import dev.powersweep.orchestrator.driver.Sweeps;
import dev.powersweep.orchestrator.view.SweepEvent.CellChange;
import dev.powersweep.orchestrator.view.SweepEvent.CellPlan;
import dev.powersweep.worker.cell.Cell;
import dev.powersweep.worker.cell.FailureClass;
import dev.powersweep.worker.cell.ModelCounts;
import dev.powersweep.worker.cell.Program;
import dev.powersweep.worker.cell.ProgramModel;
import java.time.Instant;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.OptionalDouble;
import java.util.OptionalInt;
import java.util.OptionalLong;
import org.assertj.core.api.recursive.comparison.RecursiveComparisonConfiguration;
import org.junit.jupiter.api.Test;

class BoardFeedTest {
    private static final Instant NOW = Instant.parse("2026-01-02T03:04:05Z");

    private final SweepState state = new SweepState();
    private final BoardFeed feed =
            new BoardFeed(state, cell -> new BoardFeed.Points(new double[] {128}, new double[] {5}));

    @Test
    void aSizeThatOneProgramReportedIsKnownOfEveryCellOfItsModel() {
        Cell first = ofAProgram(0);
        Cell second = ofAProgram(1);
        assertThat(planned(first).parameters()).isZero();
        assertThat(planned(second).parameters()).isZero();
        apply(new LedgerEvent.Running(NOW, first.id(), 1, 0));
        AttemptReport silent = Reports.finished(first.id(), 1, 12, 1, NOW);
        List<CellPlan> learnt = apply(new LedgerEvent.Ended(
                        NOW,
                        new AttemptReport(
                                first.id(),
                                1,
                                silent.outcome(),
                                silent.work(),
                                NOW,
                                NOW,
                                silent.place(),
                                Optional.empty(),
                                "",
                                Optional.of(new ModelCounts(
                                        OptionalLong.of(4711), OptionalLong.empty(), OptionalDouble.empty())))))
                .plans();
        assertThat(learnt).extracting(CellPlan::parameters).containsExactly(4711L, 4711L);
        assertThat(learnt).extracting(CellPlan::cell).containsExactly(0, 1);
    }

    @Test
    void whatOneDriverWasToldEventByEventTheNextOneFindsInTheState() {
        Cell cell = Sweeps.cell(1, 12, Trouble.NONE);
        Cell other = Sweeps.cell(2, 12, Trouble.NONE);
        CellPlan plan = planned(cell);
        CellPlan unbegun = planned(other);
        assertThat(apply(new LedgerEvent.Running(NOW, cell.id(), 1, 0)).changes())
                .singleElement()
                .satisfies(change -> assertThat(change.curveLoss()).isEmpty());
        AttemptReport failed = Reports.report(
                cell.id(), 1, Outcome.failed(FailureClass.BUG, "index 3 out of bounds", "at"), 4, 1, 8, "host", NOW);
        CellChange told = apply(new LedgerEvent.Ended(NOW, failed)).changes().get(0);
        assertThat(told.curveLoss()).containsExactly(5);
        assertThat(told)
                .extracting(CellChange::state, CellChange::failure, CellChange::message, CellChange::step)
                .containsExactly("FAILED", "BUG", "index 3 out of bounds", 4L);

        BoardFeed.News known = new BoardFeed(state, any -> BoardFeed.Points.NONE).known(NOW);
        assertThat(known.plans()).containsExactly(plan, unbegun);
        assertThat(known.changes())
                .usingRecursiveFieldByFieldElementComparator(RecursiveComparisonConfiguration.builder()
                        .withIgnoredFields("curveTokens", "curveLoss")
                        .withEqualsForType(Double::equals, Double.class)
                        .build())
                .containsExactly(told);
    }

    private CellPlan planned(Cell cell) {
        return apply(new LedgerEvent.Planned(NOW, "cell " + cell.id(), cell, 1, 0))
                .plans()
                .get(0);
    }

    private BoardFeed.News apply(LedgerEvent event) {
        state.apply(event);
        return feed.apply(event);
    }

    private static Cell ofAProgram(long seed) {
        Cell usual = Sweeps.cell(1, 12, Trouble.NONE);
        return new Cell(
                new ProgramModel(OptionalLong.empty(), Map.of("width", "64"), 32, OptionalInt.empty()),
                usual.data(),
                usual.training(),
                usual.evaluation(),
                seed,
                Optional.of(
                        new Program(List.of("./train"), List.of(), Map.of(), Map.of(), Program.Parameters.REPORTED)));
    }
}
