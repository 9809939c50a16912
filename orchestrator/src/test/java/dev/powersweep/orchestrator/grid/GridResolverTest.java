package dev.powersweep.orchestrator.grid;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.assertj.core.api.Assertions.within;

import dev.powersweep.orchestrator.spec.ModelSize;
import dev.powersweep.orchestrator.spec.SweepSpec;
import dev.powersweep.orchestrator.spec.SweepSpecReader;
import dev.powersweep.orchestrator.storage.UserError;
import dev.powersweep.worker.cell.BatchWarmup;
import dev.powersweep.worker.cell.Branch;
import dev.powersweep.worker.cell.Cell;
import dev.powersweep.worker.cell.ModelShape;
import java.util.ArrayList;
import java.util.Collections;
import java.util.HashSet;
import java.util.List;
import java.util.OptionalInt;
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
        assertThat(cell.shape().nonEmbeddingParameters()).isEqualTo(24_576);
        assertThat(cell.evaluation().everySteps()).isEqualTo(59);
        assertThat(cell.evaluation().sets()).containsExactly("validation", "wiki");
        assertThat(cell.training().warmupSteps()).isEqualTo(15);
    }

    @Test
    void aBatchThatDoublesMakesMoreStepsOfTheSameTokens() {
        String text = "{context: 64, grid: {modelSizes: 25k, dataSizes: 300k, batchSizes: 1024}, training:"
                + " {warmup: {fraction: 0.1}, batchWarmup: %s}}";
        Cell plain = cells(text.formatted("none")).get(0);
        Cell cell = cells(text.formatted("{doubleAt: [40k, 100k]}")).get(0);
        // Doubled after 39 and 98 batches' worth of 1,024 tokens, of 293: 39·4 + 59·2 + 195 steps.
        assertThat(cell.data().batchWarmup().orElseThrow().stages())
                .containsExactly(new BatchWarmup.Stage(156, 4, 0.5), new BatchWarmup.Stage(118, 8, Math.sqrt(0.5)));
        assertThat(cell.data().steps()).isEqualTo(469);
        assertThat(cell.tokens()).isEqualTo(plain.tokens());
        assertThat(cell.tokensThrough(156)).isEqualTo(39 * 1024);
        assertThat(cell.kaplanFlops()).isEqualTo(plain.kaplanFlops());
        assertThat(cell.training().warmupSteps()).isEqualTo(47);
        assertThat(cell.training().peakLearningRate())
                .isEqualTo(plain.training().peakLearningRate());
        assertThat(plain.id())
                .isEqualTo(cells(text.replace(", batchWarmup: %s", "")).get(0).id());
        Cell unscaled = cells(text.formatted("{doubleAt: [40k, 100k], rateScaling: none}"))
                .get(0);
        assertThat(unscaled.data().batchWarmup().orElseThrow().stages())
                .containsExactly(new BatchWarmup.Stage(156, 4, 1), new BatchWarmup.Stage(118, 8, 1));
    }

    @Test
    void cellsThatDifferInTheirWarmUpAloneHaveNamesOfTheirOwn() {
        ResolvedGrid grid = resolve("{context: 64, grid: {modelSizes: 25k, dataSizes: 300k, batchSizes: 1024, axes:"
                + " {training.batchWarmup: [none, {doubleAt: 50k}, {doubleAt: 100k}]}}}");
        assertThat(grid.cells().stream().map(GridCell::name).distinct()).hasSize(3);
    }

    @ParameterizedTest
    @CsvSource(
            delimiter = '|',
            textBlock =
                    """
            1024 | '[10k, 20k, 30k, 40k, 50k]' | has 5 entries, so a run begins with 1/32 of its batch, and a batch of grid.batchSizes has 16 sequences; take batches of a multiple of 32 sequences, or give fewer entries
            1024 | 300                         | = 300 is less than one batch of 1,024 tokens after the beginning; take counts that are a batch of grid.batchSizes apart
            1024 | '[30k, 30_200]'             | = 30,200 is less than one batch of 1,024 tokens after 30,000; take
            1024 | 300k                        | = 300,000 is not before the end of a run of 300,032 tokens, which would never have its own batch; take smaller counts, larger grid.dataSizes, or leave such runs out by grid.where
            """)
    void aWarmUpThatARunCannotHaveIsRefused(String batch, String counts, String message) {
        assertThatThrownBy(() -> cells("{context: 64, grid: {modelSizes: 25k, dataSizes: 300k, batchSizes: " + batch
                        + "}, training: {batchWarmup: {doubleAt: " + counts + "}}}"))
                .isInstanceOf(UserError.class)
                .hasMessageStartingWith("training.batchWarmup.doubleAt " + message);
        assertThat(cells(
                        "{context: 64, grid: {modelSizes: 25k, dataSizes: [300k, 2M], batchSizes: 1024, where: D > 400k},"
                                + " training: {batchWarmup: {doubleAt: 400k}}}"))
                .hasSize(1);
    }

    private static final String BRANCHED =
            "{context: 64, grid: {modelSizes: 25k, dataSizes: [300k, 600k], batchSizes: 1024,"
                    + " seeds: %s, branches: {at: %s, batchSizes: %s, tokens: %s, rateScaling: %s}}, training: {schedule:"
                    + " constant-with-cooldown, trunk: shared, warmup: {steps: 5}}, evaluation: {everyTokens: 50k}}";

    private static List<Cell> branches(String seeds, String at, String batches, String tokens, String scaling) {
        return cells(BRANCHED.formatted(seeds, at, batches, tokens, scaling)).stream()
                .filter(cell -> cell.data().branch().isPresent())
                .toList();
    }

    @Test
    void branchesOfOneTrunkAreEquallyLongWhateverTheirBatch() {
        List<Cell> all = cells(BRANCHED.formatted("0", "[100k, 400k]", "[1024, 2048, {sequences: 64}]", "50k", "sqrt"));
        List<Cell> branches = branches("0", "[100k, 400k]", "[1024, 2048, {sequences: 64}]", "50k", "sqrt");

        assertThat(all).hasSize(2 + 2 * 3);
        Cell trunk = all.get(1);
        assertThat(branches).allMatch(branch -> branch.trunk().equals(trunk.trunk()));
        // 98 and 391 batches of 1,024; 50k are 12 steps of 4,096, which halves twice to the trunk's batch.
        assertThat(branches).extracting(Cell::trunkSteps).containsExactly(98L, 98L, 98L, 391L, 391L, 391L);
        assertThat(branches)
                .extracting(branch -> branch.tokens() - branch.tokensThrough(branch.trunkSteps()))
                .containsOnly(12 * 4096L);
        assertThat(branches).extracting(Cell::batchTokens).containsExactly(1024L, 2048L, 4096L, 1024L, 2048L, 4096L);
        assertThat(branches.get(2).data().branch())
                .contains(new Branch(98, trunk.data().batchSequences(), 2));
        assertThat(branches("0", "100k", "[1024, 4096]", "50k", "none")
                        .get(1)
                        .data()
                        .branch())
                .contains(new Branch(98, 16, 1));
        assertThat(branches("0", "100k", "[1024, 4096]", "50k", "linear")
                        .get(1)
                        .data()
                        .branch())
                .contains(new Branch(98, 16, 4));
        assertThat(branches("[0, 1, 2]", "100k", "[1024, 4096]", "50k", "sqrt")).hasSize(6);
    }

    @Test
    void branchesChangeNoOtherCellAndFollowFromTheirOwnEntries() {
        String few = BRANCHED.formatted("0", "100k", "[1024, 2048]", "50k", "sqrt");
        Set<String> ids = ids(few);
        assertThat(ids).containsAll(ids(few.replaceAll(", branches: \\{[^}]*\\}", "")));
        assertThat(ids(BRANCHED.formatted("[0, 1]", "[100k, 200k]", "[512, 2048, 1024, 4096]", "50k", "sqrt")))
                .containsAll(ids);
        ResolvedGrid grid = resolve(few);
        assertThat(grid.cells().stream().map(GridCell::name))
                .doesNotHaveDuplicates()
                .contains("n24.6k-d150k-b2048-from100k-s0");
    }

    @Test
    void aCountThatNoRunReachesBeforeItsCooldownIsToldOrRefused() {
        ResolvedGrid grid = resolve(BRANCHED.formatted("0", "[100k, 590k]", "[1024, 2048]", "50k", "sqrt"));
        assertThat(grid.cells()).hasSize(4);
        assertThat(grid.warnings())
                .contains("no branch leaves at 590,000 tokens where a run cools down from 480,256 on; take smaller"
                        + " grid.branches.at or larger grid.dataSizes");
        assertThatThrownBy(() -> branches("0", "590k", "[1024, 2048]", "50k", "sqrt"))
                .isInstanceOf(UserError.class)
                .hasMessageStartingWith("grid.branches.at: no run is as long as 590,000 tokens before its cooldown");
    }

    @ParameterizedTest
    @CsvSource(
            delimiter = '|',
            textBlock =
                    """
            2k   | '[1024, 2048]'  | 50k | grid.branches.at = 2,000 lies within the warm-up of 5,120 tokens of a run with batches of 1,024; take
            100k | '[1024, 8192]'  | 50k | grid.branches.tokens = 50,000 is fewer than 8 steps of a batch of 8,192 tokens, too few to tell what the batch costs; take smaller grid.branches.batchSizes or at least 65,536 tokens
            100k | '[1024, 5120]'  | 50k | grid.branches.batchSizes has 5,120 tokens, of which a branch of 49,152 tokens is no whole number, so that losses would be compared after unequal data; take batches of 1, 2, 4 and so on times the trunk's 1,024
            100k | '[1024, 1030]'  | 50k | grid.branches.batchSizes comes to one batch of 1,024 tokens in whole sequences
            """)
    void whatMakesNoBranchIsRefused(String at, String batches, String tokens, String message) {
        assertThatThrownBy(() -> branches("0", at, batches, tokens, "sqrt"))
                .isInstanceOf(UserError.class)
                .hasMessageStartingWith(message);
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
                .extracting(cell -> cell.shape().width() + ":" + cell.tokens() / 100_000 + ":" + cell.seed())
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
    void aPowerRuleFollowsModelBatchAndData() {
        for (Cell cell : cells(
                "{context: 64, grid: {modelSizes: [25k, 100k], dataSizes: [300k, 1M], batchSizes: [256, 1024]}, training: {learningRate: {rule: power, coefficient: 0.9, model: -0.4, batch: 0.25, data: -0.1}}}")) {
            assertThat(cell.training().peakLearningRate())
                    .isCloseTo(
                            0.9
                                    * Math.pow(cell.shape().nonEmbeddingParameters(), -0.4)
                                    * Math.pow(cell.batchTokens(), 0.25)
                                    * Math.pow(cell.tokens(), -0.1),
                            within(1e-12));
        }
        assertThatThrownBy(
                        () -> resolve(
                                "{grid: {modelSizes: 25k, dataSizes: 1M}, training: {learningRate: {rule: power, coefficient: 1, model: 5}}}"))
                .isInstanceOf(UserError.class)
                .hasMessageMatching(
                        "training.learningRate gives 8.9\\d*E21 for N = 24,576, B = 2,048, D = 999,424, and it"
                                + " must be in \\(0, 1000000]; change its coefficient, value or exponents");
    }

    @Test
    void learningRatesAreAnAxis() {
        List<GridCell> peaks = resolve("{grid: {modelSizes: 25k, dataSizes: 1M, learningRates: [0.001, 2e-3]}}")
                .cells();
        assertThat(peaks)
                .extracting(cell -> cell.cell().training().peakLearningRate())
                .containsExactly(0.001, 0.002);
        assertThat(peaks)
                .extracting(GridCell::name)
                .containsExactly("n24.6k-d999k-b2048-lr0.001-s0", "n24.6k-d999k-b2048-lr0.002-s0");
        assertThat(
                        cells(
                                "{context: 64, grid: {modelSizes: 25k, dataSizes: 1M, batchSizes: [1024, 4096], learningRates: {factors: [0.5, 1]}}, training: {learningRate: {value: 0.002, batchScaling: sqrt, referenceBatch: 1024}}}"))
                .extracting(cell -> cell.training().peakLearningRate())
                .containsExactly(0.001, 0.002, 0.002, 0.004);
        assertThat(
                        cells(
                                "{grid: {modelSizes: 25k, dataSizes: 1M, learningRates: [0.001, 0.002, 0.004], where: learningRate < 0.003}}"))
                .hasSize(2);
        assertThat(
                        cells(
                                "{grid: {modelSizes: 25k, dataSizes: 1M, learningRates: 0.02}, training: {learningRate: {rule: mup, value: 0.01, baseWidth: 32}}}"))
                .extracting(cell -> cell.training().peakLearningRate() + " at "
                        + cell.training().mupBaseWidth().getAsInt())
                .containsExactly("0.02 at 32");
    }

    @Test
    void anyKeyThatChangesACellIsAnAxis() {
        List<GridCell> cells = resolve(
                        """
                grid:
                  modelSizes: 25k
                  dataSizes: 1M
                  axes:
                    training.optimizer.weightDecay: [0, 0.1]
                    model.activation: [gelu, squared-relu]
                    context: [64, 128]
                    training.schedule: {kind: linear, finalFraction: 0}
                """)
                .cells();
        assertThat(cells).hasSize(8);
        assertThat(cells)
                .extracting(cell -> cell.cell().training().weightDecay() + " "
                        + cell.cell().shape().activation() + " "
                        + cell.cell().model().context())
                .startsWith("0.0 GELU 64", "0.0 GELU 128", "0.0 SQUARED_RELU 64", "0.0 SQUARED_RELU 128");
        assertThat(cells).extracting(GridCell::name).doesNotHaveDuplicates();
        assertThat(cells.get(3).name())
                .isEqualTo("n24.6k-d999k-b2048-weightDecay0-activationsquaredrelu-context128-schedule1-s0");
        assertThat(
                        cells(
                                """
                grid:
                  modelSizes: 25k
                  dataSizes: [1M, 2M]
                  combine: zip
                  learningRates: [0.001, 0.002]
                  axes: {training.dropout: [0, 0.1]}
                """))
                .extracting(cell -> cell.tokens() / 1000 + " " + cell.training().peakLearningRate() + " "
                        + cell.training().dropout())
                .containsExactly("999 0.001 0.0", "2000 0.002 0.1");
        assertThat(
                        cells(
                                """
                grid:
                  modelSizes: [25k, 100k]
                  dataSizes: 1M
                  axes: {training.dropout: [0, 0.1], model.positions: [learned, rotary]}
                  where: (dropout > 0 or N < 50k) and positions == 'rotary'
                """))
                .hasSize(3);
    }

    @Test
    void anAxisThatChangesNoCellIsRefused() {
        assertThatThrownBy(
                        () -> resolve("{grid: {modelSizes: 25k, dataSizes: 1M, axes: {training.maxEpochs: [1, 2]}}}"))
                .isInstanceOf(UserError.class)
                .hasMessage(
                        "grid.axes.training.maxEpochs changes no cell: its values all train the same; take it out of"
                                + " grid.axes");
        assertThat(resolve(
                                "{grid: {modelSizes: [25k, 100k], dataSizes: 1M, axes: {training.dropout: [0, 0.1]}, where: N < 50k and dropout == 0 or N > 50k and dropout > 0}}")
                        .cells())
                .hasSize(2);
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

    @Test
    void depthAndWidthNeverFallAndHeadsHaveOneWidth() {
        ShapeChooser chooser = new ShapeChooser(
                read("{grid: {modelSizes: 25k, dataSizes: 1M}}").model(), 128, 256);
        ModelShape before = chooser.shape(new ModelSize.Target(1));
        for (double target = 10_000; target < 1e11; target *= 1.05) {
            ModelShape shape = chooser.shape(new ModelSize.Target(Math.round(target)));
            assertThat(shape.layers()).isGreaterThanOrEqualTo(before.layers());
            assertThat(shape.width()).isGreaterThanOrEqualTo(before.width());
            assertThat(shape.width() / shape.heads()).isEqualTo(shape.width() < 256 ? 16 : 64);
            before = shape;
        }
        assertThat(resolve("{grid: {modelSizes: [1M, 100M], dataSizes: 1M}}").warnings())
                .contains("attention heads are 16 and 64 wide, so models differ in more than size; set"
                        + " model.headWidth, or heads of each shape");
        assertThat(cells("{model: {headWidth: 32}, grid: {modelSizes: [25k, 1M, 100M], dataSizes: 1M}}"))
                .extracting(cell -> cell.shape().width() / cell.shape().heads())
                .containsOnly(32);
        assertThatThrownBy(() ->
                        resolve("{model: {headWidth: 32}, grid: {modelSizes: {layers: 2, width: 48}, dataSizes: 1M}}"))
                .isInstanceOf(UserError.class)
                .hasMessage(
                        "grid.modelSizes: a width of 48 is no multiple of model.headWidth = 32; change one of them");
        assertThatThrownBy(
                        () -> resolve(
                                "{model: {positions: rotary}, grid: {modelSizes: {layers: 2, width: 48, heads: 16}, dataSizes: 1M}}"))
                .isInstanceOf(UserError.class)
                .hasMessageStartingWith("grid.modelSizes: model.heads = 16 must be such that width / heads is even");
    }

    @ParameterizedTest
    @CsvSource({"32, 2", "64, 4", "128, 8", "256, 4", "384, 6", "48, 3", "112, 7", "100, 5", "7, 1"})
    void headsDivideTheWidth(int width, int heads) {
        assertThat(ShapeChooser.heads(width, OptionalInt.empty())).isEqualTo(heads);
    }

    @Test
    void aWarmupLongerThanARunIsToldOnce() {
        assertThat(resolve("{grid: {modelSizes: 25k, dataSizes: [100k, 1M]}, training: {warmup: {steps: 100}}}")
                        .warnings())
                .containsExactly("the warm-up takes more than half of the run in 1 of 2 cells (100 of 49 steps in the"
                        + " shortest), which bends the fitted laws; shorten training.warmup");
    }
}
