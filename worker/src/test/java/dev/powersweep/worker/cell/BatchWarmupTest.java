package dev.powersweep.worker.cell;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.powersweep.worker.Cells;
import java.util.List;
import java.util.Optional;
import org.junit.jupiter.api.Test;

class BatchWarmupTest {
    private static final ModelShape SHAPE = ModelShape.gpt(1, 8, 1, 10, 100);
    private static final BatchWarmup WARMUP =
            new BatchWarmup(List.of(new BatchWarmup.Stage(4, 2, 0.5), new BatchWarmup.Stage(3, 4, 0.75)));

    private static DataRule rule(long steps) {
        return new DataRule("c0ffee", steps, 8, 1000, Optional.of(WARMUP));
    }

    @Test
    void tokensAreCountedByTheBatchOfEachStep() {
        Cell cell = Cells.of(SHAPE, rule(10), 0);
        assertThat(cell.batchTokens()).isEqualTo(80);
        assertThat(cell.tokensThrough(0)).isZero();
        assertThat(cell.tokensThrough(4)).isEqualTo(80);
        assertThat(cell.tokensThrough(5)).isEqualTo(120);
        assertThat(cell.tokensThrough(7)).isEqualTo(200);
        assertThat(cell.tokensThrough(8)).isEqualTo(280);
        assertThat(cell.tokens()).isEqualTo(440);
        assertThat(cell.kaplanFlops()).isEqualTo(6.0 * SHAPE.nonEmbeddingParameters() * 440);
        long sum = 0;
        for (long step = 1; step <= 10; step++) {
            sum += cell.data().sequencesAt(step);
            assertThat(cell.data().sequencesThrough(step)).isEqualTo(sum);
        }
    }

    @Test
    void itIsPartOfTheCellsIdentityAndOfItsJson() {
        Cell cell = Cells.of(SHAPE, rule(10), 0);
        assertThat(CellJson.line(cell))
                .contains("\"batchWarmup\":{\"stages\":[{\"steps\":4,\"batchSequences\":2,\"rateFactor\":0.5},");
        assertThat(CellJson.read(CellJson.line(cell), Cell.class)).isEqualTo(cell);
        Cell plain = Cells.of(SHAPE, new DataRule("c0ffee", 10, 8, 1000), 0);
        assertThat(cell.id()).isNotEqualTo(plain.id());
        assertThat(CellJson.line(plain)).doesNotContain("batchWarmup");
        BatchWarmup unscaled = new BatchWarmup(List.of(new BatchWarmup.Stage(4, 2, 1), new BatchWarmup.Stage(3, 4, 1)));
        assertThat(Cells.of(SHAPE, new DataRule("c0ffee", 10, 8, 1000, Optional.of(unscaled)), 0)
                        .id())
                .isNotEqualTo(cell.id());
    }

    @Test
    void cellsOfATrunkShareItWithTheSameWarmUpAlone() {
        Cell shorter = trunk(rule(20));
        assertThat(trunk(rule(40)).trunk()).isEqualTo(shorter.trunk());
        assertThat(trunk(new DataRule("c0ffee", 40, 8, 1000)).trunk()).isNotEqualTo(shorter.trunk());
        BatchWarmup asLong = new BatchWarmup(List.of(new BatchWarmup.Stage(7, 2, 0.5)));
        assertThat(trunk(new DataRule("c0ffee", 40, 8, 1000, Optional.of(asLong)))
                        .trunk())
                .isNotEqualTo(shorter.trunk());
    }

    private static Cell trunk(DataRule data) {
        Cell cell = Cells.of(SHAPE, data, 0);
        return new Cell(
                SHAPE, data, cell.training().with(new Schedule.SharedTrunk(0.2)), cell.evaluation(), cell.seed());
    }

    @Test
    void whatIsNoWarmUpIsRefusedWithItsPlace() {
        assertThatThrownBy(() -> new BatchWarmup(List.of()))
                .hasMessage("data.batchWarmup.stages is empty; leave data.batchWarmup out");
        assertThatThrownBy(() -> new BatchWarmup.Stage(0, 1, 1))
                .hasMessage("data.batchWarmup.stages.steps = 0 must be at least 1");
        assertThatThrownBy(() -> new BatchWarmup.Stage(1, 1, 0))
                .hasMessage("data.batchWarmup.stages.rateFactor = 0.0 must be in (0, 1]");
        assertThatThrownBy(
                        () -> new BatchWarmup(List.of(new BatchWarmup.Stage(1, 4, 1), new BatchWarmup.Stage(1, 4, 1))))
                .hasMessage("data.batchWarmup.stages.batchSequences = 4 must be more than that of the stage before, 4");
        assertThatThrownBy(() -> rule(7))
                .hasMessage("data.steps = 7 must be more than the 7 steps of data.batchWarmup");
        assertThatThrownBy(() -> new DataRule("c0ffee", 10, 4, 1000, Optional.of(WARMUP)))
                .hasMessage("data.batchSequences = 4 must be more than that of the last stage of data.batchWarmup, 4");
    }
}
