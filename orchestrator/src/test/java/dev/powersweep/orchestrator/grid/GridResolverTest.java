package dev.powersweep.orchestrator.grid;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.assertj.core.api.Assertions.within;

import dev.powersweep.orchestrator.corpus.CorpusFacts;
import dev.powersweep.orchestrator.spec.ModelSize;
import dev.powersweep.orchestrator.spec.SweepSpec;
import dev.powersweep.orchestrator.spec.SweepSpecReader;
import dev.powersweep.orchestrator.storage.UserError;
import dev.powersweep.worker.cell.Cell;
import dev.powersweep.worker.cell.ModelShape;
import java.util.ArrayList;
import java.util.Collections;
import java.util.HashSet;
import java.util.List;
import java.util.Random;
import java.util.Set;
import java.util.stream.Collectors;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

class GridResolverTest {
    private static final CorpusFacts CORPUS = new CorpusFacts(
            "c0ffee",
            256,
            8_500_000,
            List.of(
                    new CorpusFacts.EvaluationSet("validation", 450_000),
                    new CorpusFacts.EvaluationSet("wiki", 100_000)));

    private static ResolvedGrid resolve(String text) {
        return GridResolver.resolve(read(text), CORPUS);
    }

    private static SweepSpec read(String text) {
        return SweepSpecReader.read(text, "sweep.yaml", List.of());
    }

    private static List<Cell> cells(String text) {
        return resolve(text).cells().stream().map(GridCell::cell).toList();
    }

    private static Set<String> ids(String text) {
        return cells(text).stream().map(Cell::id).collect(Collectors.toSet());
    }

    @Test
    void dataSizesAreRoundedToWholeStepsAndCountsFollow() {
        Cell cell = cells("{context: 64, grid: {modelSizes: 25k, dataSizes: 300k, batchSizes: 1024}}")
                .get(0);
        assertThat(cell.data().batchSequences()).isEqualTo(16);
        assertThat(cell.data().steps()).isEqualTo(293);
        assertThat(cell.tokens()).isEqualTo(293 * 1024).isEqualTo(cell.data().uniqueTokens());
        assertThat(cell.model().nonEmbeddingParameters()).isEqualTo(24_576);
        assertThat(cell.evaluation().everySteps()).isEqualTo(59);
        assertThat(cell.evaluation().sets()).containsExactly("validation", "wiki");
        assertThat(cell.training().warmupSteps()).isEqualTo(15);
    }

    @Test
    void aGrownOrShuffledGridKeepsTheIdentityOfItsCells() {
        Random random = new Random(Long.getLong("test.seed", 1));
        List<String> models = new ArrayList<>(List.of("25k", "100k", "400k", "{layers: 3, width: 48}"));
        List<String> data = new ArrayList<>(List.of("100k", "300k", "1M", "2M", "4M"));
        List<String> batches = new ArrayList<>(List.of("512", "1024", "{sequences: 32}"));
        for (int round = 0; round < 20; round++) {
            Collections.shuffle(models, random);
            Collections.shuffle(data, random);
            Collections.shuffle(batches, random);
            int m = 1 + random.nextInt(models.size());
            int d = 1 + random.nextInt(data.size());
            int b = 1 + random.nextInt(batches.size());
            Set<String> some = ids(grid(models.subList(0, m), data.subList(0, d), batches.subList(0, b)));
            assertThat(some).hasSize(m * d * b);
            Set<String> all = ids(grid(models, data, batches));
            assertThat(all).hasSize(60).containsAll(some);
        }
    }

    private static String grid(List<String> models, List<String> data, List<String> batches) {
        return "{context: 64, grid: {modelSizes: " + models + ", dataSizes: " + data + ", batchSizes: " + batches
                + "}}";
    }

    @Test
    void combinationsThatComeOutEqualAreOneCell() {
        assertThat(
                        cells(
                                "{context: 64, grid: {modelSizes: [25k, 24_576, {layers: 2, width: 32}], dataSizes: [300k, 300_100], batchSizes: [1024, {sequences: 16}]}}"))
                .hasSize(1);
    }

    @Test
    void zipUnionIsoFlopAndWhereChooseCells() {
        assertThat(
                        cells(
                                "{grid: {combine: zip, modelSizes: [25k, 100k], dataSizes: [300k, 1M], batchSizes: 2048, seeds: [0, 1]}}"))
                .extracting(cell -> cell.model().width() + ":" + cell.tokens() / 100_000 + ":" + cell.seed())
                .containsExactly("32:2:0", "32:2:1", "64:9:0", "64:9:1");
        assertThat(cells("{grid: {modelSizes: [25k, 100k], dataSizes: [300k, 1M], where: D >= 10*N}}"))
                .hasSize(3);
        assertThat(
                        ids(
                                "{grid: {union: [{modelSizes: 25k, dataSizes: [300k, 1M]}, {modelSizes: [25k, 100k], dataSizes: 1M}]}}"))
                .hasSize(3);
        for (Cell cell : cells("{grid: {budgets: [1e11, 3e11], modelSizes: [25k, 50k, 100k], batchSizes: 512}}")) {
            double budget = cell.kaplanFlops() > 1.7e11 ? 3e11 : 1e11;
            assertThat(cell.kaplanFlops()).isCloseTo(budget, within(0.02 * budget));
        }
    }

    @Test
    void learningRatesFollowTheirRules() {
        Cell kaplan = cells("{grid: {modelSizes: 100k, dataSizes: 1M}, training: {learningRate: kaplan}}")
                .get(0);
        assertThat(kaplan.training().peakLearningRate())
                .isCloseTo(0.003239 - 0.0001395 * Math.log(98_304), within(1e-12));
        List<Cell> scaled = cells(
                "{context: 64, grid: {modelSizes: 100k, dataSizes: 1M, batchSizes: [1024, 4096]}, training: {learningRate: {value: 0.002, batchScaling: sqrt, referenceBatch: 1024}}}");
        assertThat(scaled)
                .extracting(cell -> cell.training().peakLearningRate())
                .containsExactly(0.002, 0.004);
        Cell mup = cells(
                        "{grid: {modelSizes: 100k, dataSizes: 1M}, training: {learningRate: {rule: mup, value: 0.01, baseWidth: 32}}}")
                .get(0);
        assertThat(mup.training().peakLearningRate()).isEqualTo(0.01);
        assertThat(mup.training().mupBaseWidth()).hasValue(32);
    }

    @Test
    void aCorpusThatIsTooSmallIsRefusedWithNumbersAndRemedies() {
        assertThatThrownBy(() -> resolve("{grid: {modelSizes: 25k, dataSizes: [1M, 20M]}}"))
                .isInstanceOf(UserError.class)
                .hasMessage("the corpus holds 8,500,000 training tokens but the largest data size is 20,000,768 tokens,"
                        + " 2.35 epochs, and training.maxEpochs = 1: take a larger corpus, smaller grid.dataSizes, or"
                        + " training.maxEpochs: 3");
        Cell repeated = cells("{grid: {modelSizes: 25k, dataSizes: 20M}, training: {maxEpochs: 3}}")
                .get(0);
        assertThat(repeated.data().uniqueTokens()).isEqualTo(8_500_000);
        assertThat(repeated.epochs()).isCloseTo(2.353, within(0.001));
        Cell chosen = cells("{grid: {modelSizes: 25k, dataSizes: 20M, uniqueTokens: 100k}}")
                .get(0);
        assertThat(chosen.data().uniqueTokens()).isEqualTo(100_000);
        assertThatThrownBy(() -> resolve("{grid: {modelSizes: 25k, dataSizes: 20M, uniqueTokens: 9M}}"))
                .hasMessageContaining("grid.uniqueTokens asks for 9,000,000 but the corpus holds 8,500,000");
        assertThatThrownBy(() -> resolve("{grid: {modelSizes: 25k, dataSizes: 1M, uniqueTokens: 128}}"))
                .hasMessageContaining("grid.uniqueTokens = 128 is not one sequence of context = 128");
        assertThatThrownBy(() -> resolve("{grid: {modelSizes: 25k, dataSizes: 500}}"))
                .hasMessageContaining("a data size of 500 tokens is not one step of 2,048 tokens");
        assertThatThrownBy(() -> resolve("{grid: {modelSizes: 25k, dataSizes: 500k, batchSizes: 100}}"))
                .hasMessageContaining("a batch of 100 tokens is less than one sequence of context = 128");
        assertThatThrownBy(() -> resolve("{grid: {modelSizes: 25k, dataSizes: 500k, where: N > 1M}}"))
                .hasMessageContaining("the grid has no cells");
        CorpusFacts tiny = new CorpusFacts("c", 256, 5000, List.of(new CorpusFacts.EvaluationSet("validation", 0)));
        assertThatThrownBy(() -> GridResolver.resolve(read("{grid: {modelSizes: 25k, dataSizes: 1k}}"), tiny))
                .hasMessageContaining("the held-out set validation holds 0 tokens");
    }

    @Test
    void namesAreReadableAndUnique() {
        List<GridCell> named = resolve(
                        "{grid: {modelSizes: [98_304, {layers: 2, width: 64, heads: 4}, {layers: 8, width: 32}], dataSizes: [1M, 1.0001M], seeds: [0, 1]}}")
                .cells();
        assertThat(new HashSet<>(named.stream().map(GridCell::name).toList())).hasSize(named.size());
        assertThat(resolve("{grid: {modelSizes: 25k, dataSizes: 1.2M}}")
                        .cells()
                        .get(0)
                        .name())
                .isEqualTo("n24.6k-d1.2M-b2048-s0");
        assertThat(CellNames.shortened(999)).isEqualTo("999");
        assertThat(CellNames.shortened(999_999)).isEqualTo("1M");
        assertThat(CellNames.shortened(1_234_567_890_123L)).isEqualTo("1.23T");
    }

    @Test
    void shapesForTargetSizesAreNearAndWellProportioned() {
        ShapeChooser chooser = new ShapeChooser(
                read("{grid: {modelSizes: 25k, dataSizes: 1M}}").model(), 128, 256);
        for (double target = 50_000; target < 1e10; target *= 1.3) {
            ModelShape shape = chooser.shape(new ModelSize.Target(Math.round(target)));
            assertThat(shape.nonEmbeddingParameters() / target).isBetween(0.8, 1.25);
            assertThat(shape.width() % 16).isZero();
            assertThat(shape.layers()).isGreaterThanOrEqualTo(2);
            assertThat((double) shape.width() / shape.layers()).isBetween(18.0, 73.0);
        }
        assertThat(resolve("{grid: {modelSizes: 1k, dataSizes: 1M}}").warnings())
                .anySatisfy(warning -> assertThat(warning).startsWith("no sensible shape is near 1,000"));
    }

    @ParameterizedTest
    @CsvSource({"32, 2", "64, 2", "128, 4", "256, 4", "384, 6", "48, 3", "112, 7", "100, 2", "7, 1"})
    void headsDivideTheWidth(int width, int heads) {
        assertThat(ShapeChooser.heads(width)).isEqualTo(heads);
    }

    @Test
    void aWarmupLongerThanARunIsToldOnce() {
        assertThat(resolve("{grid: {modelSizes: 25k, dataSizes: [100k, 1M]}, training: {warmup: {steps: 100}}}")
                        .warnings())
                .containsExactly("the warm-up takes more than half of the run in 1 of 2 cells (100 of 49 steps in the"
                        + " shortest), which bends the fitted laws; shorten training.warmup");
    }
}
