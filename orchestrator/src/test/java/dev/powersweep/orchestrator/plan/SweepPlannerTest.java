package dev.powersweep.orchestrator.plan;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.assertj.core.api.Assertions.within;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import dev.powersweep.orchestrator.grid.CorpusFacts;
import dev.powersweep.orchestrator.grid.GridCell;
import dev.powersweep.orchestrator.spec.SweepSpec;
import dev.powersweep.orchestrator.spec.SweepSpecReader;
import dev.powersweep.orchestrator.storage.UserError;
import dev.powersweep.worker.cell.Cell;
import dev.powersweep.worker.cell.DataRule;
import dev.powersweep.worker.cell.EvaluationRule;
import dev.powersweep.worker.cell.ModelShape;
import dev.powersweep.worker.cell.Precision;
import java.io.IOException;
import java.util.ArrayList;
import java.util.Comparator;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.SplittableRandom;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

class SweepPlannerTest {
    private static final CorpusFacts CORPUS =
            new CorpusFacts("c0ffee", 256, 8_500_000, List.of(new CorpusFacts.EvaluationSet("validation", 450_000)));
    private static final Slots SLOTS = new Slots(2, 4L << 30);

    private static SweepSpec spec(String text) {
        return SweepSpecReader.read(text, "sweep.yaml", List.of());
    }

    /** Tokens per second that one core of the reference machine was measured at. */
    @ParameterizedTest
    @CsvSource({
        "2,  32, 2,  64, 16, 281000",
        "2,  64, 2,  64, 16, 112500",
        "4, 128, 4, 128, 16,  16400",
        "4, 256, 4, 128, 16,   4744",
        "6, 384, 6, 256,  8,   1425"
    })
    void predictedRatesAreWithinATenthOfTheMeasuredOnes(
            int layers, int width, int heads, int context, int sequences, double measured) {
        Cell cell = new Cell(
                ModelShape.gpt(layers, width, heads, context, 256),
                new DataRule("c", 1000, sequences, 1_000_000),
                new SweepPlanner()
                        .plan(spec("{grid: {modelSizes: 25k, dataSizes: 300k}}"), CORPUS, SLOTS)
                        .cells()
                        .get(0)
                        .gridCell()
                        .cell()
                        .training(),
                new EvaluationRule(1000, 1, List.of("validation")),
                0);
        CostModel cost = new CostModel(MachineRate.REFERENCE, 1);
        assertThat(cost.tokensPerSecond(cell) / measured).isCloseTo(1, within(0.1));
        assertThat(new CostModel(MachineRate.ofGemm(55e9), 1).tokensPerSecond(cell) / measured)
                .isCloseTo(0.5, within(0.06));
    }

    /** By steps of half the batch that cost what was measured of them, and of its trunk what is not shared. */
    @Test
    void smallerBatchesAtTheBeginningCostTheirOwnSteps() {
        String text = "{context: 64, grid: {modelSizes: 25k, dataSizes: 300k, batchSizes: 1024}, training:"
                + " {batchWarmup: {doubleAt: 102_400}}}";
        Cell cell = new SweepPlanner()
                .plan(spec(text), CORPUS, SLOTS)
                .cells()
                .get(0)
                .gridCell()
                .cell();
        assertThat(cell.data().steps()).isEqualTo(200 + 193);
        CostModel cost = new CostModel(
                MachineRate.REFERENCE,
                1,
                List.of(
                        new StepRate(StepKind.of(cell, 16), 0.25, 1e-12),
                        new StepRate(StepKind.of(cell, 8), 0.5, 1e-12)));
        double rest = cost.seconds(cell) - (200 * 0.5 + 193 * 0.25);
        assertThat(rest).isBetween(0.0, 2.0);
        assertThat(cost.tokensPerSecond(cell)).isCloseTo(cell.tokens() / (200 * 0.5 + 193 * 0.25), within(1e-6));
        double whole = cost.seconds(cell);
        assertThat(whole - cost.seconds(cell, 150)).isCloseTo(150 * 0.5, within(1e-3));
        assertThat(whole - cost.seconds(cell, 210)).isCloseTo(200 * 0.5 + 10 * 0.25, within(1e-3));
        assertThat(DryRun.text(new SweepPlanner().forecast(spec(text), CORPUS, SLOTS)))
                .contains("cells that begin with smaller batches: 1; their steps are more than D/B");
    }

    @Test
    void memoryFollowsTheMeasuredTrainers() {
        PlannedCell planned = new SweepPlanner()
                .plan(spec("{grid: {modelSizes: {layers: 4, width: 256, heads: 4}, dataSizes: 1M}}"), CORPUS, SLOTS)
                .cells()
                .get(0);
        // Measured: docs/operations.md, 258 MiB. 166 MB idle, 3.2 M parameters at 24 bytes, 24 MB of activations.
        assertThat(planned.memoryBytes() / 1e6).isCloseTo(270, within(5.0));
    }

    /** Peaks of resident memory as measured, one process each: 451 MiB in float32 and 438 MiB in bfloat16. */
    @Test
    void roundedWeightsTakeThePlaceOfTransposedOnes() {
        String text = "{context: 256, grid: {modelSizes: {layers: 6, width: 384, heads: 6}, dataSizes: 1M, batchSizes:"
                + " {sequences: 8}}, training: {precision: %s}}";
        for (Map.Entry<String, Integer> peak :
                Map.of("float32", 451, "bfloat16", 438).entrySet()) {
            PlannedCell planned = new SweepPlanner()
                    .plan(spec(text.formatted(peak.getKey())), CORPUS, SLOTS)
                    .cells()
                    .get(0);
            assertThat(planned.memoryBytes() / 1048576.0 / peak.getValue())
                    .as(peak.getKey())
                    .isBetween(1.0, 1.025);
        }
    }

    /** Which cells go together decides what sharing costs. */
    @Test
    void aPlanSaysWhatSharingAGpuDoesToItsTimes() {
        String grid = "{grid: {modelSizes: [100k, 200k], dataSizes: [1M, 2M], batchSizes: [1024, 2048], seeds: [0, 1]},"
                + " resources: {gpus: 1, cellsPerGpu: %d}}";
        Forecast forecast = new SweepPlanner().forecast(spec(grid.formatted(8)), CORPUS, SLOTS);
        assertThat(forecast.warnings())
                .containsExactly(
                        "8 cells share a GPU (resources.cellsPerGpu): times that were measured are of cells beside"
                                + " others of their model, batch and precision, which take their steps together; of 16 cells at most"
                                + " 4 have these in common, and cells that take turns take longer");
        assertThat(forecast.plan().policy().cellsAtOnce()).isEqualTo(8);
        assertThat(new SweepPlanner()
                        .forecast(spec(grid.formatted(1)), CORPUS, SLOTS)
                        .warnings())
                .isEmpty();
    }

    @Test
    void longestCellsComeFirstAndEqualGridsMakeEqualPlans() {
        String grid =
                "{grid: {modelSizes: [25k, 100k, 400k], dataSizes: [1M, 300k], batchSizes: [1k, 2k], seeds: [0, 1]}}";
        SweepPlan plan = new SweepPlanner().plan(spec(grid), CORPUS, SLOTS);
        assertThat(plan.cells())
                .hasSize(24)
                .isSortedAccordingTo(Comparator.comparingDouble(PlannedCell::predictedSeconds)
                        .reversed());
        assertThat(new SweepPlanner().plan(spec(grid), CORPUS, SLOTS)).isEqualTo(plan);
    }

    @Test
    void aSharedTrunkIsTrainedOnceAndThePlanSaysWhatThatSaves() throws IOException {
        String text = "{grid: {modelSizes: [25k, 100k], dataSizes: [200k, 400k, 800k], batchSizes: 2048}, training:"
                + " {schedule: constant-with-cooldown, trunk: %s, warmup: {steps: 10}}, evaluation: {everyTokens: 100k}}";
        Forecast separate = new SweepPlanner().forecast(spec(text.formatted("separate")), CORPUS, SLOTS);
        Forecast shared = new SweepPlanner().forecast(spec(text.formatted("shared")), CORPUS, SLOTS);
        // Of a fifth each that cools down: 4/5 of 200k and 400k of 1.4M.
        double flops = separate.plan().cells().stream()
                .mapToDouble(cell -> cell.gridCell().cell().trainingFlops())
                .sum();
        assertThat(separate.trunks().savedFlops()).isZero();
        assertThat(shared.trunks().savedFlops() / flops).isCloseTo(0.8 * 600 / 1400, within(0.01));
        assertThat(shared.totalSeconds() / separate.totalSeconds()).isCloseTo(1 - 0.8 * 600 / 1400, within(0.05));
        assertThat(shared.makespanSeconds()).isLessThan(separate.makespanSeconds());
        assertThat(DryRun.text(shared)).contains("shared trunks: ").contains("saved (34 %)");
        JsonNode json = new ObjectMapper().readTree(DryRun.json(shared));
        assertThat(json.at("/totals/savedFlops").asDouble())
                .isEqualTo(shared.trunks().savedFlops());
        assertThat(json.at("/cells/0/sharedSteps").asLong()).isZero();

        List<Cell> cells = shared.plan().cells().stream()
                .map(cell -> cell.gridCell().cell())
                .toList();
        assertThat(cells.stream().map(Cell::trunk).distinct()).hasSize(2);
        assertThat(cells).allMatch(cell -> cell.data().uniqueTokens() == CORPUS.trainTokens());
        assertThat(cells.stream().map(Cell::randomSeed).distinct()).hasSize(2);
    }

    @Test
    void whatBranchesCostBesideTheirTrunksIsToldAndTooMuchOfItWarned() throws IOException {
        String text =
                "{grid: {modelSizes: 25k, dataSizes: 800k, batchSizes: 2048, branches: {at: %s, batchSizes: [2048,"
                        + " 4096], tokens: 40_960}}, training: {schedule: constant-with-cooldown, trunk: shared, warmup: {steps:"
                        + " 10}}, evaluation: {everyTokens: 100k}}";
        Forecast forecast = new SweepPlanner().forecast(spec(text.formatted("[100k, 400k]")), CORPUS, SLOTS);
        // Four branches of 40,960 tokens beside 391 steps of 2,048.
        double share = 4 * 40_960.0 / (391 * 2048);
        assertThat(forecast.trunks().branchFlops() / forecast.trunks().branchedFlops())
                .isCloseTo(share, within(1e-9));
        assertThat(DryRun.text(forecast))
                .contains("branches: 4 cells go on from states of 1 runs with other batches; ")
                .contains(", 20.5 % of those of these runs");
        JsonNode json = new ObjectMapper().readTree(DryRun.json(forecast));
        assertThat(json.at("/totals/branchFlops").asDouble())
                .isEqualTo(forecast.trunks().branchFlops());
        assertThat(json.at("/cells/0/branchTokens").asLong()).isZero();
        assertThat(json.at("/cells/1/branchTokens").asLong()).isPositive();
        assertThat(forecast.warnings()).isEmpty();
        assertThat(forecast.trunks().trainedBy(json.at("/cells/1/id").asText()))
                .contains(json.at("/cells/0/id").asText());
        assertThat(new SweepPlanner()
                        .forecast(spec(text.formatted("[100k, 200k, 400k]")), CORPUS, SLOTS)
                        .warnings())
                .singleElement()
                .asString()
                .startsWith("branches take 31 % of the FLOPs of the runs that they leave, more than 25 %; take fewer");
        // A branch from where the run cools down, with more steps than that has, is not what trains the trunk.
        Forecast late = new SweepPlanner()
                .forecast(
                        spec(text.formatted("641k").replace("batchSizes: [2048", "batchSizes: [512, 2048")),
                        CORPUS,
                        SLOTS);
        assertThat(late.plan().cells())
                .filteredOn(cell -> cell.gridCell().cell().data().branch().isPresent())
                .hasSize(3)
                .allMatch(cell ->
                        late.trunks().trainedBy(cell.gridCell().cell().id()).isPresent());
        String plain = text.replaceAll(", branches: \\{[^}]*\\}", "");
        assertThat(DryRun.text(new SweepPlanner().forecast(spec(plain), CORPUS, SLOTS)))
                .doesNotContain("branches:");
    }

    @Test
    void aMeasuredKindTakesWhatWasMeasuredAndItsNeighboursAreCorrected() {
        String text = "{grid: {modelSizes: [25k, 100k, 1.6M], dataSizes: 1M, batchSizes: [1024, 2048]}}";
        SweepPlan unmeasured = new SweepPlanner().plan(spec(text), CORPUS, SLOTS);
        PlannedCell any = unmeasured.cells().get(0);
        CostModel formula = new CostModel(MachineRate.REFERENCE, 1);
        StepKind kind = StepKind.of(any.gridCell().cell());
        StepRate twice = new StepRate(kind, 2 * formula.stepSeconds(kind), 0);
        SweepPlan measured = new SweepPlanner(List.of(twice)).plan(spec(text), CORPUS, SLOTS);
        for (PlannedCell cell : measured.cells()) {
            double before = unmeasured.cells().stream()
                    .filter(other -> other.gridCell().equals(cell.gridCell()))
                    .findFirst()
                    .orElseThrow()
                    .predictedSeconds();
            assertThat(cell.predictedSeconds() / before).isCloseTo(2, within(0.15));
        }
        StepKind far = new StepKind(ModelShape.gpt(2, 32, 2, 128, 256), 16, Optional.empty());
        StepRate same = new StepRate(far, formula.stepSeconds(far), 0);
        CostModel both = new CostModel(MachineRate.REFERENCE, 1, List.of(twice, same));
        StepKind nearFar = new StepKind(far.model(), 8, Optional.empty());
        StepKind nearKind = new StepKind(kind.model(), 3 * kind.batchSequences() / 2, Optional.empty());
        assertThat(both.stepSeconds(kind)).isEqualTo(twice.stepSeconds());
        assertThat(both.stepSeconds(nearFar) / formula.stepSeconds(nearFar)).isBetween(1.0, 1.2);
        assertThat(both.stepSeconds(nearKind) / formula.stepSeconds(nearKind)).isBetween(1.8, 2.0);
    }

    @Test
    void aPrecisionIsMeasuredForItself() {
        String text = "{grid: {modelSizes: 100k, dataSizes: 1M, axes: {training.precision: [float32, bfloat16]}}}";
        List<PlannedCell> unmeasured =
                new SweepPlanner().plan(spec(text), CORPUS, SLOTS).cells();
        assertThat(unmeasured).hasSize(2);
        assertThat(unmeasured.get(0).predictedSeconds())
                .isEqualTo(unmeasured.get(1).predictedSeconds());
        Cell wide = cell(unmeasured, Precision.FLOAT32).gridCell().cell();
        Cell narrow = cell(unmeasured, Precision.BFLOAT16).gridCell().cell();
        CostModel formula = new CostModel(MachineRate.REFERENCE, 1);
        double guess = formula.stepSeconds(StepKind.of(wide));
        StepRate wideRate = new StepRate(StepKind.of(wide), 2 * guess, 0);
        StepRate narrowRate = new StepRate(StepKind.of(narrow), guess, 0);
        CostModel one = new CostModel(MachineRate.REFERENCE, 1, List.of(wideRate));
        assertThat(one.stepSeconds(StepKind.of(narrow))).isCloseTo(2 * guess, within(1e-12));
        CostModel both = new CostModel(MachineRate.REFERENCE, 1, List.of(wideRate, narrowRate));
        assertThat(both.stepSeconds(StepKind.of(wide))).isEqualTo(2 * guess);
        assertThat(both.stepSeconds(StepKind.of(narrow))).isEqualTo(guess);
        assertThat(both.stepSeconds(StepKind.of(narrow, 100)) / formula.stepSeconds(StepKind.of(narrow, 100)))
                .isCloseTo(1, within(1e-12));
    }

    private static PlannedCell cell(List<PlannedCell> cells, Precision precision) {
        return cells.stream()
                .filter(each -> each.gridCell().cell().training().products() == precision)
                .findFirst()
                .orElseThrow();
    }

    @Test
    void aCellThatIsTooLargeForItsTrainerGetsASmallerMicroBatch() {
        String text = "{context: 32, grid: {modelSizes: {layers: 24, width: 256, heads: 4}, dataSizes: 1M,"
                + " batchSizes: {sequences: 16}}, resources: {memory: %s}}";
        Forecast roomy = new SweepPlanner().forecast(spec(text.formatted("2GB")), CORPUS, SLOTS);
        assertThat(roomy.warnings()).isEmpty();
        long needed = roomy.plan().cells().get(0).memoryBytes();
        Forecast tight =
                new SweepPlanner().forecast(spec(text.formatted(needed * 9 / 10 / 1_048_576 + "MB")), CORPUS, SLOTS);
        assertThat(tight.plan().cells().get(0).memoryBytes()).isLessThan(needed * 9 / 10);
        assertThat(tight.warnings()).singleElement().asString().contains("trained in smaller micro-batches");
    }

    @Test
    void aModelThatDoesNotFitIsRefusedWithItsNumbers() {
        String grid = "{grid: {modelSizes: 1G, dataSizes: 1M}}";
        assertThatThrownBy(() -> new SweepPlanner().plan(spec(grid), CORPUS, SLOTS))
                .isInstanceOf(UserError.class)
                .hasMessageContaining("of memory but the memory for trainers is 4.0 GB: take smaller grid.modelSizes");
        assertThatThrownBy(() -> new SweepPlanner()
                        .plan(
                                spec("{grid: {modelSizes: 1M, dataSizes: 1M}, resources: {memory: 128MB}}"),
                                CORPUS,
                                SLOTS))
                .hasMessageContaining("resources.memory is 128 MB")
                .isInstanceOf(UserError.class);
    }

    @Test
    void makespanStaysWithinTheClassicBoundOfLongestFirst() {
        SplittableRandom random = new SplittableRandom(Long.getLong("test.seed", 1));
        GridCell any = new SweepPlanner()
                .plan(spec("{grid: {modelSizes: 25k, dataSizes: 1M}}"), CORPUS, SLOTS)
                .cells()
                .get(0)
                .gridCell();
        for (int round = 0; round < 100; round++) {
            int slots = 1 + random.nextInt(8);
            List<PlannedCell> cells = new ArrayList<>();
            int count = 1 + random.nextInt(60);
            for (int i = 0; i < count; i++) {
                cells.add(new PlannedCell(any, Math.exp(4 * random.nextDouble()), 1));
            }
            cells.sort(Comparator.comparingDouble(PlannedCell::predictedSeconds).reversed());
            double total =
                    cells.stream().mapToDouble(PlannedCell::predictedSeconds).sum();
            double bound = Math.max(total / slots, cells.get(0).predictedSeconds());
            double makespan = SweepPlanner.makespan(cells, slots, Trunks.of(List.of())) - CostModel.SECONDS_PER_TRAINER;
            // Graham 1969: 4/3 − 1/(3m) of the optimum, which is at most total/m + longest.
            assertThat(makespan)
                    .isBetween(bound - 1e-9, total / slots + cells.get(0).predictedSeconds() + 1e-9);
        }
    }

    @Test
    void theDryRunShowsEveryCellAndTheTotals() throws IOException {
        Forecast forecast = new SweepPlanner()
                .forecast(
                        spec(
                                "{grid: {modelSizes: [25k, 100k], dataSizes: 300k, batchSizes: 2048}, training: {warmup: {steps: 100}}}"),
                        CORPUS,
                        SLOTS);
        String text = DryRun.text(forecast);
        assertThat(text.lines().toList())
                .anySatisfy(line -> assertThat(line)
                        .startsWith("n24.6k-d299k-b2048-s0")
                        .contains("2x32/2")
                        .contains("24,576")
                        .contains("299,008"))
                .anySatisfy(line -> assertThat(line).startsWith("2 cells, 598,016 tokens"))
                .anySatisfy(line -> assertThat(line).startsWith("warning: the warm-up takes more than half"));
        JsonNode json = new ObjectMapper().readTree(DryRun.json(forecast));
        assertThat(json.at("/cells").size()).isEqualTo(2);
        assertThat(json.at("/cells/1/nonEmbeddingParameters").asLong()).isEqualTo(24_576);
        assertThat(json.at("/totals/makespanSeconds").asDouble()).isEqualTo(forecast.makespanSeconds());
    }
}
