package dev.powersweep.orchestrator.report.sections;

import static org.assertj.core.api.Assertions.assertThat;

import dev.powersweep.orchestrator.results.CellResult;
import dev.powersweep.orchestrator.results.KnownSweep;
import java.util.ArrayList;
import java.util.List;
import org.junit.jupiter.api.Test;

class LevelsTest {
    /** D of cells is what was asked for, rounded to whole batches, each to its own. */
    private static List<CellResult> cells(double[] asked, double[] batches) {
        List<CellResult> cells = new ArrayList<>();
        for (double d : asked) {
            for (double b : batches) {
                cells.add(KnownSweep.ofSize(25e3, Math.round(d / b) * b, b));
            }
        }
        return cells;
    }

    @Test
    void whatRoundingToBatchesPartsIsOneDataSize() {
        List<CellResult> cells = cells(new double[] {16e3, 32e3}, new double[] {512, 1024});
        assertThat(Levels.ofTokens(cells).values()).containsExactly(15_872, 31_744);
        assertThat(Levels.ofTokens(cells).of(16_384)).isZero();
        assertThat(Levels.ofTokens(cells).of(32_256)).isEqualTo(1);
    }

    @Test
    void sizesThatWereAskedForStayApart() {
        assertThat(Levels.ofTokens(cells(new double[] {1e6, 1.1e6, 2e6, 2.05e6}, new double[] {512, 4096, 16_384}))
                        .size())
                .isEqualTo(4);
    }
}
