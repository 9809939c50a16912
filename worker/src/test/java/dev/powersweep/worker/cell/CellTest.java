package dev.powersweep.worker.cell;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.util.List;
import java.util.OptionalInt;
import java.util.regex.Pattern;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

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
        assertThat(new Cell(CELL.shape(), CELL.data(), CELL.training(), CELL.evaluation(), 1).id())
                .isNotEqualTo(CELL.id());
    }

    @Test
    void countsFollowTheConventions() {
        ModelShape shape = CELL.shape();
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

    @ParameterizedTest
    @CsvSource(
            delimiter = '|',
            textBlock =
                    """
            "layers":4                 | "layers":2.5                  | model.layers: '2.5' is no whole number
            "layers":4                 | "layers":"two"                | model.layers: 'two' is no whole number
            "layers":4                 | "layers":null                 | model.layers: missing
            "layers":4,                | ''                            | model.layers: missing
            "layers":4                 | "layers":4,"depth":4          | model.depth: unknown; known here are
            "layers":4                 | "layers":2000000000           | model: model.layers = 2000000000 must be at most 10000
            "width":128                | "width":200000000             | model: model.width = 200000000 must be such that the model has no more than
            "heads":4                  | "heads":5                     | model: model.heads = 5 must be a divisor of width = 128
            "GELU"                     | "SWISH"                       | model.activation: 'SWISH' is no Activation
            "kind":"cosine"            | "kind":"wsd"                  | training.schedule: unknown kind 'wsd'
            "windowSteps":50           | "windowSteps":0               | training.divergence: training.divergence.windowSteps = 0.0 must be at least 1
            "mupBaseWidth":null        | "mupBaseWidth":-4             | training: training.mupBaseWidth = -4.0 must be at least 1
            "earlyStopping":null       | "earlyStopping":0             | training: training.earlyStopping = 0.0 must be at least 1
            "peakLearningRate":0.001   | "peakLearningRate":0          | training: training.peakLearningRate = 0.0 must be above 0
            """)
    void aWrongValueIsToldWithItsPlace(String sound, String wrong, String message) {
        String json = CellJson.line(CELL);
        assertThat(json).contains(sound);
        assertThatThrownBy(() -> CellJson.read(json.replaceFirst(Pattern.quote(sound), wrong), Cell.class))
                .isInstanceOf(IllegalArgumentException.class)
                .hasMessageStartingWith("not a valid Cell: " + message);
    }
}
