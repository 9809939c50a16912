package dev.powersweep.orchestrator.executor;

import static org.assertj.core.api.Assertions.assertThat;

import dev.powersweep.orchestrator.dispatch.AttemptAction;
import dev.powersweep.orchestrator.driver.Sweeps;
import dev.powersweep.orchestrator.tables.EvalRow;
import dev.powersweep.orchestrator.tables.StepRow;
import dev.powersweep.worker.cell.Cell;
import dev.powersweep.worker.cell.Frame;
import java.util.List;
import java.util.Optional;
import org.junit.jupiter.api.Test;

class FrameRowsTest {
    @Test
    void tokensAreThoseOfTheBatchesThatWereTrainedOn() {
        double[] some = {1, 1, 1, 1};
        Cell cell = Sweeps.warmed();
        FrameRows rows = FrameRows.of(
                cell,
                1,
                new AttemptAction.Commit(
                        Optional.empty(),
                        5,
                        List.of(
                                new Frame.Steps(cell.id(), 2, some, some, some, some, some, some),
                                new Frame.Evaluation(cell.id(), 3, "validation", 2, 0.1, 100, 1, 1),
                                new Frame.Evaluation(cell.id(), 6, "validation", 2, 0.1, 100, 1, 1)),
                        Optional.empty()));
        assertThat(rows.steps()).extracting(StepRow::step).containsExactly(2L, 3L, 4L, 5L);
        assertThat(rows.steps()).extracting(StepRow::tokens).containsExactly(64L, 128L, 256L, 384L);
        assertThat(rows.evals()).extracting(EvalRow::tokens).containsExactly(128L, 512L);
    }
}
