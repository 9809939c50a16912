package dev.powersweep.worker.cell;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.powersweep.worker.Cells;
import java.util.Arrays;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.MethodSource;

class FrameTest {
    private static final Frame.Evaluation EVALUATION =
            new Frame.Evaluation("c", 5, "validation", 1.0 / 3, Double.NaN, 64, 0.1 + 0.2, 0.5);

    static List<Frame> frames() {
        return List.of(
                new Frame.Ready(7, "cpu", "fast", "a processor", 1, Map.of("java", "17", "commit", "abc")),
                new Frame.Started("c", 2, 100, 4),
                EVALUATION,
                new Frame.Checkpoint("c", 5, "/tmp/a file", 1L << 40, "00ff"),
                new Frame.Finished("c", 5, true, Math.nextUp(2.0), List.of(EVALUATION), 1, 0.5, 1L << 33),
                new Frame.Diverged("c", 5, "loss is NaN", 1),
                new Frame.Interrupted("c", 5, 1),
                new Frame.Failed("c", 5, FailureClass.BUG, "a \"message\"\nof two lines", "\tat here", 1));
    }

    @ParameterizedTest
    @MethodSource("frames")
    void aFrameIsOneLineAndComesBackEqual(Frame frame) {
        String line = CellJson.line(frame);
        assertThat(line).doesNotContain("\n");
        assertThat(CellJson.read(line, Frame.class)).isEqualTo(frame);
    }

    @Test
    void everyBitOfAStepComesBackNotANumberAndInfinityToo() {
        double[] values = {0.1, Double.MIN_VALUE, Double.NaN, Double.POSITIVE_INFINITY, -0.0, Math.PI};
        Frame.Steps steps = new Frame.Steps("c", 1, values, values, values, values, values, values);
        Frame.Steps read = (Frame.Steps) CellJson.read(CellJson.line(steps), Frame.class);
        assertThat(read.rows()).isEqualTo(6);
        assertThat(Arrays.stream(read.loss()).mapToLong(Double::doubleToLongBits))
                .containsExactlyElementsOf(Arrays.stream(values)
                        .mapToLong(Double::doubleToLongBits)
                        .boxed()
                        .toList());
    }

    @Test
    void anAssignmentComesBackAndAnUnknownPropertyIsRefused() {
        Assignment assignment = new Assignment(
                Cells.tiny(10, 2, 1000, 3), 2, "/shards", "/checkpoints", Optional.of("/a.ckpt"), 4, 60, 1);
        String line = CellJson.line(assignment);
        assertThat(CellJson.read(line, Assignment.class)).isEqualTo(assignment);
        assertRefused(line.replace("\"attempt\":2", "\"attempt\":2,\"atempt\":3"), "atempt: unknown; known here are ");
        assertRefused(line.replace("\"attempt\":2,", ""), "attempt: ");
        assertRefused(line.replace("\"layers\":2,", ""), "cell.model.layers: ");
        assertRefused(line.replace("\"shardDirectory\":\"/shards\",", ""), "shardDirectory");
        assertRefused(
                line.replace("\"heads\":2", "\"heads\":3"),
                "cell.model: model.heads = 3 must be a divisor of width = 16");
        assertRefused(line.replace("\"heads\":2", "\"heads\":\"two\""), "cell.model.heads: ");
    }

    private static void assertRefused(String json, String reason) {
        assertThatThrownBy(() -> CellJson.read(json, Assignment.class))
                .isInstanceOf(IllegalArgumentException.class)
                .hasMessageStartingWith("not a valid Assignment: ")
                .hasMessageContaining(reason);
    }
}
