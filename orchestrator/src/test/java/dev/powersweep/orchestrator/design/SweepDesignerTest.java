package dev.powersweep.orchestrator.design;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.powersweep.orchestrator.grid.CorpusFacts;
import dev.powersweep.orchestrator.plan.Forecast;
import dev.powersweep.orchestrator.plan.RunPolicy;
import dev.powersweep.orchestrator.plan.Slots;
import dev.powersweep.orchestrator.plan.SweepPlanner;
import dev.powersweep.orchestrator.spec.SweepSpec;
import dev.powersweep.orchestrator.spec.SweepSpecReader;
import dev.powersweep.orchestrator.storage.UserError;
import dev.powersweep.worker.cell.Cell;
import dev.powersweep.worker.cell.ModelShape;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.Optional;
import java.util.TreeMap;
import java.util.function.Function;
import java.util.stream.Collectors;
import org.junit.jupiter.api.Test;

/** What {@code grid.design: auto} trains, and what it says it will answer. */
class SweepDesignerTest {
    private static final Slots SLOTS = new Slots(2, 0);
    private static final CorpusFacts SHORT = corpus(9_000_000);
    private static final CorpusFacts LONG = corpus(1_000_000_000);
    private static final String TUNED =
            "learningRate: {rule: power, coefficient: 0.092, model: -0.265, batch: 0.5, data: -0.2}";

    @Test
    void budgetsHaveSizesOnBothSidesOfTheExpectedBestOne() {
        for (String allowed : List.of("flops: 3.5e13", "minutes: 20", "hours: 8")) {
            Map<Double, List<Cell>> budgets = profiles(cells(designed(allowed, LONG), LONG));
            assertThat(budgets).as(allowed).hasSizeGreaterThanOrEqualTo(2);
            budgets.forEach((flops, cells) -> {
                double best = PriorLaw.central(256).bestSize(flops);
                List<Double> sizes = sizes(cells);
                assertThat(sizes).as("at %.1e FLOPs", flops).hasSizeGreaterThanOrEqualTo(4);
                assertThat(sizes.get(0)).isLessThan(best / 1.3);
                assertThat(sizes.get(sizes.size() - 1)).isGreaterThan(best * 2);
            });
        }
    }

    @Test
    void shapesDifferInSizeAlone() {
        List<Cell> cells = cells(designed("hours: 8", LONG), LONG);
        assertThat(cells.stream()
                        .map(cell -> cell.shape().width() / cell.shape().heads()))
                .containsOnly(16);
        List<ModelShape> shapes = cells.stream()
                .map(Cell::shape)
                .distinct()
                .sorted((one, other) -> Long.compare(one.nonEmbeddingParameters(), other.nonEmbeddingParameters()))
                .toList();
        for (int i = 1; i < shapes.size(); i++) {
            assertThat(shapes.get(i).layers())
                    .isGreaterThanOrEqualTo(shapes.get(i - 1).layers());
            assertThat(shapes.get(i).width())
                    .isGreaterThanOrEqualTo(shapes.get(i - 1).width());
        }
        SweepSpec wide = SweepSpecReader.read(spec("hours: 8", "model: {headWidth: 32}\n"), "s.yaml", List.of());
        assertThat(cells(SweepDesigner.design(wide, LONG, SLOTS, List.of()).spec(), LONG).stream()
                        .map(cell -> cell.shape().width() / cell.shape().heads()))
                .containsOnly(32);
    }

    @Test
    void batchesStraddleTheCriticalOneRatesAndSeedsVaryOnAFewCells() {
        List<Cell> cells = cells(designed("flops: 3.5e13", LONG), LONG);
        Cell widest = cells.stream()
                .max((one, other) -> Long.compare(one.batchTokens(), other.batchTokens()))
                .orElseThrow();
        double critical = PriorLaw.central(256).criticalBatch(widest.tokens());
        assertThat(widest.batchTokens() / critical).isBetween(4.0, 16.0);
        assertThat(cells.stream()
                        .filter(cell -> cell.model().equals(widest.model()))
                        .mapToDouble(cell -> critical / cell.batchTokens())
                        .max()
                        .orElseThrow())
                .isBetween(4.0, 16.0);
        assertThat(scalesWithSeveral(cells, cell -> cell.training().peakLearningRate()))
                .isBetween(3L, 8L);
        assertThat(scalesWithSeveral(cells, Cell::seed)).isGreaterThanOrEqualTo(5);
    }

    @Test
    void noBatchHasAHigherRateThanTheCriticalOneWould() {
        List<Cell> cells = cells(designed("flops: 3.5e13", LONG), LONG);
        Cell widest = cells.stream()
                .max((one, other) -> Long.compare(one.batchTokens(), other.batchTokens()))
                .orElseThrow();
        double critical = PriorLaw.central(256).criticalBatch(widest.tokens());
        double atCritical = 0.092
                * Math.pow(widest.model().counts().n(), -0.265)
                * Math.sqrt(critical)
                * Math.pow(widest.tokens(), -0.2);
        // Batches are powers of two.
        assertThat(widest.training().peakLearningRate() / atCritical).isBetween(0.7, 1.42);
    }

    @Test
    void noSizeOfABudgetSeesTooFewTokensForALaw() {
        for (String allowed : List.of("flops: 5e12", "flops: 1.6e13", "flops: 3.5e13")) {
            List<Cell> cells = cells(designed(allowed, LONG), LONG);
            long batch = cells.stream().mapToLong(Cell::batchTokens).min().orElseThrow();
            assertThat(cells.stream().filter(cell -> cell.batchTokens() == batch))
                    .as(allowed)
                    .allSatisfy(cell -> assertThat(cell.data().steps()).isGreaterThan(500));
        }
    }

    /** A batch is one sequence at least: with long ones the smallest budget is larger, and its runs are not shorter. */
    @Test
    void longSequencesDoNotMakeRunsOfFewSteps() {
        for (int context : List.of(64, 1024, 8192)) {
            SweepSpec spec = SweepSpecReader.read(
                    spec("flops: 1e16", "").replace("context: 64", "context: " + context), "s.yaml", List.of());
            List<Cell> cells =
                    cells(SweepDesigner.design(spec, LONG, SLOTS, List.of()).spec(), LONG);
            long batch = cells.stream().mapToLong(Cell::batchTokens).min().orElseThrow();
            assertThat(cells.stream().filter(cell -> cell.batchTokens() == batch))
                    .as("context %d", context)
                    .allSatisfy(cell -> assertThat(cell.data().steps()).isGreaterThan(500));
        }
        assertThatThrownBy(() -> SweepDesigner.design(
                        SweepSpecReader.read(
                                spec("flops: 1e16", "").replace("context: 64", "context: 8192"), "s.yaml", List.of()),
                        SHORT,
                        SLOTS,
                        List.of()))
                .isInstanceOf(UserError.class)
                .hasMessageContaining("shorten the context of 8192 tokens");
    }

    /** Between budgets that have a layout lie some that have none, and a search that ended there left a quarter unspent. */
    @Test
    void aBudgetThatHasNoLayoutDoesNotHideLargerOnes() {
        SweepSpec spec = SweepSpecReader.read(
                spec("flops: 1e14", "").replace("context: 64", "context: 512"), "s.yaml", List.of());
        SweepSpec designed = SweepDesigner.design(spec, SHORT, SLOTS, List.of()).spec();
        assertThat(SweepDesigner.flops(new SweepPlanner().forecast(designed, SHORT, SLOTS)))
                .isBetween(0.9e14, 1e14);
    }

    @Test
    void aTextTooShortForWhatMayBeSpentIsTold() {
        assertThat(unspent("flops: 1e22", SHORT).orElseThrow())
                .startsWith(
                        "grid.design: auto takes 2.7·10¹⁴ of 10²² FLOPs: the text, read training.maxEpochs = 1 times")
                .contains("take a larger corpus");
        assertThat(unspent("hours: 100", SHORT).orElseThrow()).contains(" of 4.17 days: the text");
        assertThat(unspent("flops: 1e14", SHORT)).isEmpty();
        assertThat(unspent("minutes: 20", LONG)).isEmpty();
    }

    private static Optional<String> unspent(String allowed, CorpusFacts corpus) {
        SweepSpec spec = designed(allowed, corpus);
        return SweepDesigner.unspent(spec, new SweepPlanner().forecast(spec, corpus, SLOTS));
    }

    @Test
    void aDesignSpendsWhatItMayAndNoMore() {
        for (double flops : new double[] {2e13, 1e14, 1e16}) {
            double spent =
                    SweepDesigner.flops(new SweepPlanner().forecast(designed("flops: " + flops, LONG), LONG, SLOTS));
            assertThat(spent).isBetween(0.7 * flops, flops);
        }
        Forecast timed = new SweepPlanner().forecast(designed("minutes: 20", LONG), LONG, SLOTS);
        assertThat(timed.makespanSeconds()).isBetween(0.7 * 1200, 1200.0);
    }

    @Test
    void timeThatAShortTextLeavesGoesToSeeds() {
        assertThat(cells(designed("flops: 1e15", SHORT), SHORT).stream().map(Cell::seed))
                .contains(0L, 1L, 2L, 3L, 4L);
        assertThat(cells(designed("flops: 1e15", SHORT), SHORT)).allMatch(cell -> cell.tokens() <= 9_000_000);
    }

    @Test
    void aDesignIsEqualForEqualArgumentsAndReadsBackAsItWasMade() {
        SweepSpec once = designed("minutes: 20", LONG);
        assertThat(designed("minutes: 20", LONG).text()).isEqualTo(once.text());
        SweepSpec again = SweepSpecReader.read(once.text(), "sweep.yaml", List.of());
        assertThat(again.grid()).isEqualTo(once.grid());
        assertThat(again.grid().undesigned()).isFalse();
    }

    @Test
    void theQuickstartIsADesignThatFitsItsBudget() throws IOException {
        SweepSpec spec = SweepSpecReader.read(
                Files.readString(Path.of("../examples/quickstart.yaml")), "quickstart.yaml", List.of());
        SweepSpec designed = SweepDesigner.design(spec, SHORT, SLOTS, List.of()).spec();
        Forecast forecast = new SweepPlanner().forecast(designed, SHORT, SLOTS);
        assertThat(forecast.plan().cells()).hasSize(49);
        assertThat(forecast.totalSeconds()).isBetween(270.0, 480.0);
        assertThat(forecast.makespanSeconds()).isLessThan(1.05 * forecast.lowerBoundSeconds() + 5);
        assertThat(forecast.warnings()).isEmpty();
        assertThat(forecast.plan().policy()).isEqualTo(RunPolicy.DEFAULT);
        assertThat(profiles(cells(designed, SHORT))).hasSizeGreaterThanOrEqualTo(3);
    }

    @Test
    void tooLittleTimeAndTooShortATextAreRefusedInASentence() {
        assertThatThrownBy(() -> designed("minutes: 0.1", LONG))
                .isInstanceOf(UserError.class)
                .hasMessageContaining("grid.design: auto has 6 s, and the smallest design takes");
        assertThatThrownBy(() -> designed("flops: 1e9", LONG))
                .isInstanceOf(UserError.class)
                .hasMessageContaining("less than the smallest design spends");
        assertThatThrownBy(() -> designed("hours: 1", corpus(300_000)))
                .isInstanceOf(UserError.class)
                .hasMessageContaining("the corpus holds 300k training tokens, too few");
    }

    @Test
    void answersAreSimulatedWithTheFitterOfSweeps() {
        DesignAnswers answers = DesignAnswers.of(designed("flops: 3.5e13", LONG), forecast("flops: 3.5e13"), 2);
        assertThat(answers.exponent()).isBetween(0.001, 0.25);
        assertThat(answers.size()).isBetween(1.001, 2.0);
        assertThat(answers.criticalBatch()).isGreaterThan(1.001);
        assertThat(DesignAnswers.of(designed("flops: 3.5e13", LONG), forecast("flops: 3.5e13"), 2))
                .isEqualTo(answers);
        assertThat(DesignText.text(answers))
                .contains("a of N_opt ∝ C^a, by approach 3: ± ", "B_crit of runs over", "It will not answer:");
        assertThat(DesignText.json(answers).path("a").asDouble()).isEqualTo(answers.exponent());
    }

    /** Model, data and batch sizes that are trained with more than one of something. */
    private static long scalesWithSeveral(List<Cell> cells, Function<Cell, Object> of) {
        return cells.stream()
                .collect(Collectors.groupingBy(
                        cell -> List.of(
                                cell.model(), cell.data().steps(), cell.data().batchSequences()),
                        Collectors.mapping(of, Collectors.toSet())))
                .values()
                .stream()
                .filter(values -> values.size() > 1)
                .count();
    }

    private static Forecast forecast(String allowed) {
        return new SweepPlanner().forecast(designed(allowed, LONG), LONG, SLOTS);
    }

    private static List<Double> sizes(List<Cell> cells) {
        return cells.stream()
                .map(cell -> cell.model().counts().n())
                .distinct()
                .sorted()
                .toList();
    }

    /** Cells of budgets that have several sizes. */
    private static Map<Double, List<Cell>> profiles(List<Cell> cells) {
        Map<Double, List<Cell>> budgets = new TreeMap<>(cells.stream()
                .collect(Collectors.groupingBy(cell -> Double.parseDouble(String.format(
                        Locale.ROOT, "%.1e", 6 * cell.model().counts().n() * cell.tokens())))));
        budgets.values().removeIf(profile -> sizes(profile).size() < 3);
        return budgets;
    }

    private static List<Cell> cells(SweepSpec spec, CorpusFacts corpus) {
        return new SweepPlanner()
                .plan(spec, corpus, SLOTS).cells().stream()
                        .map(planned -> planned.gridCell().cell())
                        .toList();
    }

    private static SweepSpec designed(String allowed, CorpusFacts corpus) {
        return SweepDesigner.design(
                        SweepSpecReader.read(spec(allowed, ""), "s.yaml", List.of()), corpus, SLOTS, List.of())
                .spec();
    }

    private static String spec(String allowed, String more) {
        return "context: 64\ngrid: {design: auto, " + allowed + "}\ntraining: {" + TUNED + "}\n" + more;
    }

    private static CorpusFacts corpus(long tokens) {
        return new CorpusFacts(
                "0123456789abcdef", 256, tokens, List.of(new CorpusFacts.EvaluationSet("validation", 400_000)));
    }
}
