package dev.powersweep.worker.cell;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.util.List;
import java.util.OptionalInt;
import org.junit.jupiter.api.Test;

class CellTest {
    private static final Cell CELL = new Cell(
            ModelShape.gpt(4, 128, 4, 128, 256),
            new DataRule("c0ffee", 100, 16, 1_000_000),
            new TrainingRule(
                    1e-3,
                    10,
                    new Schedule.Cosine(0.1),
                    0.9,
                    0.95,
                    1e-8,
                    0.1,
                    1.0,
                    0.0,
                    0.02,
                    OptionalInt.empty(),
                    OptionalInt.empty(),
                    TrainingRule.Divergence.DEFAULT),
            new EvaluationRule(50, 65_536, List.of("validation")),
            0);

    @Test
    void identityIsAFunctionOfContentAndNeverChanges() {
        Cell same = CellJson.read(CellJson.line(CELL), Cell.class);
        assertThat(same).isEqualTo(CELL);
        assertThat(same.id()).isEqualTo(CELL.id()).hasSize(16);
        // Golden: stored results are found again by this value.
        assertThat(CELL.id()).isEqualTo("b2cc3d36e6d56615");
        assertThat(new Cell(CELL.model(), CELL.data(), CELL.training(), CELL.evaluation(), 1).id())
                .isNotEqualTo(CELL.id());
    }

    @Test
    void countsFollowTheConventions() {
        ModelShape shape = CELL.model();
        assertThat(shape.nonEmbeddingParameters()).isEqualTo(12L * 4 * 128 * 128);
        assertThat(shape.embeddingParameters()).isEqualTo((256 + 128) * 128L);
        assertThat(shape.totalParameters()).isEqualTo(786_432 + 49_152 + 9 * 128 * 2);
        assertThat(CELL.batchTokens()).isEqualTo(2048);
        assertThat(CELL.tokens()).isEqualTo(204_800);
        assertThat(CELL.kaplanFlops()).isEqualTo(6.0 * 786_432 * 204_800);
    }

    @Test
    void aShapeThatDoesNotDivideIsRefusedByName() {
        assertThatThrownBy(() -> ModelShape.gpt(2, 100, 3, 64, 256))
                .hasMessage("model.heads = 3 must be a divisor of width = 100");
    }
}
