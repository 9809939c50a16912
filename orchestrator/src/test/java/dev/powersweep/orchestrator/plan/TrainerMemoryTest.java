package dev.powersweep.orchestrator.plan;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatCode;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.powersweep.orchestrator.grid.CorpusFacts;
import dev.powersweep.orchestrator.spec.SweepSpecReader;
import dev.powersweep.orchestrator.storage.UserError;
import dev.powersweep.worker.cell.Cell;
import dev.powersweep.worker.cell.ModelShape;
import java.util.List;
import java.util.Map;
import java.util.OptionalLong;
import org.junit.jupiter.api.Test;

/** What a sweep's directory asks for is not bounded by any specification. */
class TrainerMemoryTest {
    private static final long PRESENT = 8L << 30;
    private static final Cell SMALL = new SweepPlanner()
            .plan(
                    SweepSpecReader.read("{grid: {modelSizes: 25k, dataSizes: 300k}}", "sweep.yaml", List.of()),
                    new CorpusFacts(
                            "c0ffee", 256, 8_500_000, List.of(new CorpusFacts.EvaluationSet("validation", 450_000))),
                    new Slots(1, 0))
            .cells()
            .get(0)
            .gridCell()
            .cell();

    private static Cell of(ModelShape shape) {
        return new Cell(shape, SMALL.data(), SMALL.training(), SMALL.evaluation(), SMALL.seed());
    }

    @Test
    void theLargestCellIsNamedWithWhatItNeeds() {
        Map<String, Cell> cells = Map.of("small", SMALL, "large", of(ModelShape.gpt(48, 4096, 32, 1024, 50_000)));
        assertThatThrownBy(() -> TrainerMemory.require(cells, OptionalLong.empty(), PRESENT))
                .isInstanceOf(UserError.class)
                .hasMessageStartingWith("cell large needs about 2")
                .hasMessageContaining("but the memory for trainers is 8.0 GB");
        assertThatThrownBy(() -> TrainerMemory.require(cells, OptionalLong.of(1L << 30), PRESENT))
                .isInstanceOf(UserError.class)
                .hasMessageContaining("but resources.memory is 1.0 GB");
    }

    @Test
    void whatFitsOrCannotBeJudgedIsLetPass() {
        assertThatCode(() -> TrainerMemory.require(Map.of("small", SMALL), OptionalLong.empty(), PRESENT))
                .doesNotThrowAnyException();
        Map<String, Cell> large = Map.of("large", of(ModelShape.gpt(48, 4096, 32, 1024, 50_000)));
        assertThatCode(() -> TrainerMemory.require(large, OptionalLong.empty(), 0))
                .doesNotThrowAnyException();
    }

    /** A product of four numbers of 31 bits is none of 63. */
    @Test
    void theLargestShapesNeedMoreMemoryThanThereIs() {
        for (ModelShape shape : List.of(
                // By its parameters alone, and by what it keeps for the way back.
                ModelShape.gpt(1000, 10_000, 100, 2, 256),
                ModelShape.gpt(10_000, 10_000, 10_000, 4096, 256),
                ModelShape.gpt(10_000, 2, 1, 2_000_000_000, 256),
                ModelShape.gpt(1, 2, 2, Integer.MAX_VALUE, Integer.MAX_VALUE))) {
            assertThat(CostModel.memoryBytes(of(shape), 1)).as(shape.toString()).isGreaterThan(1L << 40);
        }
    }
}
