package dev.powersweep.orchestrator.report.sections;

import static org.assertj.core.api.Assertions.assertThat;

import dev.powersweep.fitting.result.FitOptions;
import dev.powersweep.orchestrator.fits.FitSet;
import dev.powersweep.orchestrator.fits.SweepFitter;
import dev.powersweep.orchestrator.report.Block;
import dev.powersweep.orchestrator.results.GradientNorms;
import dev.powersweep.orchestrator.results.KnownSweep;
import dev.powersweep.orchestrator.results.SweepResults;
import java.util.Arrays;
import java.util.List;
import java.util.Map;
import java.util.stream.IntStream;
import org.junit.jupiter.api.Test;

/** Critical batch sizes beside the gradient noise scale. */
class NoiseTableTest {
    private static final SweepResults KNOWN = KnownSweep.results(0.002, 1);

    private static List<Block> blocks(SweepResults results, String... laws) {
        FitSet set = SweepFitter.fit(
                results, List.of(laws), FitOptions.defaults().bootstrap(0).threads(1));
        return NoiseTable.of(Fits.of(results, set));
    }

    @Test
    void whereTradeOffsAreNotDeterminedTheLawOfTheBatchTellsTheCriticalOne() {
        List<Block> blocks = blocks(KNOWN, "three-term");

        Block.Table table = (Block.Table) blocks.get(0);
        assertThat(table.columns())
                .extracting(Block.Column::title)
                .containsExactly(
                        "model N",
                        "B_crit by three-term, at its lowest loss",
                        "noise scale tr Σ/|G|²",
                        "B_crit over noise scale");
        assertThat(table.rows())
                .isNotEmpty()
                .allSatisfy(row -> assertThat(row.get(1).text()).isEqualTo("1.8k"));
        assertThat(((Block.Notes) blocks.get(1)).sentences().get(0))
                .contains("batches were varied at N = 25k, 98k, 393k, 786k, 3.1M");
    }

    /** The noise scale of a run begins far below a micro-batch and grows to some 7,000 tokens; the critical batch is 1,800. */
    @Test
    void batchesOfAWarmUpLieBetweenAMicroBatchAndTheCriticalOne() {
        double[] step = IntStream.rangeClosed(1, 9000).mapToDouble(i -> i).toArray();
        String cell = KNOWN.usable().get(0).id();
        GradientNorms growing = new GradientNorms(
                cell,
                step,
                Arrays.stream(step).map(i -> 1 + i / 96).toArray(),
                Arrays.stream(step).map(i -> 1 + i / 960).toArray(),
                96,
                960);
        SweepResults results = new SweepResults(
                KNOWN.name(),
                KNOWN.place(),
                KNOWN.specification(),
                KNOWN.cells(),
                List.of(),
                List.of(),
                List.of(growing),
                Map.of());

        Block.Notes warmUp = (Block.Notes) blocks(results, "three-term").get(2);

        assertThat(warmUp.sentences())
                .singleElement()
                .asString()
                .contains("batches of 96, 192 from ", "1,536 from ")
                .doesNotContain("3,072");
    }
}
