package dev.powersweep.worker.data;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.within;

import dev.powersweep.worker.Cells;
import dev.powersweep.worker.cell.Cell;
import dev.powersweep.worker.cell.DataRule;
import dev.powersweep.worker.cell.EvaluationRule;
import dev.powersweep.worker.cell.ModelShape;
import dev.powersweep.worker.shard.ShardManifest;
import dev.powersweep.worker.shard.TokenType;
import java.nio.file.Path;
import java.util.HashSet;
import java.util.List;
import java.util.OptionalInt;
import java.util.Set;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

class EvaluationWindowsTest {
    @TempDir
    Path directory;

    private Shard shard(int validationTokens) {
        ShardFixture.write(
                directory,
                TokenType.UINT16,
                2000,
                ShardFixture.tokens(100, i -> (int) i),
                ShardFixture.tokens(validationTokens, i -> (int) i));
        return new ShardStore().open(directory);
    }

    private static Cell cell(int context, long tokens) {
        return Cells.of(
                ModelShape.gpt(1, 8, 1, context, 2000),
                new DataRule(ShardFixture.CORPUS, 10, 1, 50),
                Cells.rule(1e-3, OptionalInt.empty()),
                new EvaluationRule(5, tokens, List.of(ShardManifest.VALIDATION)),
                0);
    }

    @Test
    void windowsAreSpreadOverTheFileAndShareNoTarget() {
        EvaluationWindows windows = EvaluationWindows.of(cell(10, 200), shard(1001), ShardManifest.VALIDATION);
        assertThat(windows.sequences()).isEqualTo(20);
        assertThat(windows.tokens()).isEqualTo(200);
        Set<Integer> targets = new HashSet<>();
        int[] inputs = new int[12];
        int[] outputs = new int[12];
        for (int i = 0; i < 20; i++) {
            windows.sequence(i, inputs, outputs, 2);
            assertThat(inputs[2]).isEqualTo(i * 50);
            for (int t = 2; t < 12; t++) {
                assertThat(outputs[t]).isEqualTo(inputs[t] + 1);
                assertThat(targets.add(outputs[t])).isTrue();
            }
        }
    }

    @Test
    void aSetSmallerThanAskedForIsScoredWhole() {
        EvaluationWindows windows = EvaluationWindows.of(cell(10, 1_000_000), shard(105), ShardManifest.VALIDATION);
        assertThat(windows.sequences()).isEqualTo(10);
        assertThat(windows.start(9)).isEqualTo(90);
    }

    @Test
    void bitsPerByteCountsTheTextThatTokensStandFor() {
        EvaluationWindows windows = EvaluationWindows.of(cell(10, 50), shard(105), ShardManifest.VALIDATION);
        // Three bytes of text a token.
        assertThat(windows.bitsPerByte(3 * Math.log(2))).isCloseTo(1.0, within(1e-12));
    }
}
