package dev.powersweep.orchestrator.design;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.within;

import dev.powersweep.orchestrator.grid.CorpusFacts;
import dev.powersweep.orchestrator.plan.PlannedCell;
import dev.powersweep.orchestrator.plan.Slots;
import dev.powersweep.orchestrator.plan.SweepPlan;
import dev.powersweep.orchestrator.plan.SweepPlanner;
import dev.powersweep.orchestrator.results.CellResult;
import dev.powersweep.orchestrator.results.Changed;
import dev.powersweep.orchestrator.results.KnownSweep;
import dev.powersweep.orchestrator.spec.SweepSpec;
import dev.powersweep.orchestrator.spec.SweepSpecReader;
import dev.powersweep.worker.cell.Cell;
import dev.powersweep.worker.cell.CellState;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.OptionalDouble;
import java.util.Set;
import java.util.function.ToDoubleFunction;
import java.util.stream.Collectors;
import org.junit.jupiter.api.Test;

/** {@code grid.ratePilot: first}: which cells are trained first, and what the others make of them. */
class FirstRatesTest {
    private static final CorpusFacts CORPUS = new CorpusFacts(
            "0123456789abcdef", 256, 1_000_000_000, List.of(new CorpusFacts.EvaluationSet("validation", 400_000)));
    private static final SweepSpec DESIGN = designed("first");
    private static final SweepPlan PLAN = plan(DESIGN);
    private static final SweepPlan PILOT = FirstRates.pilot(PLAN);

    private static SweepSpec designed(String order) {
        String text = "context: 64\ngrid: {design: auto, flops: 3.5e13, ratePilot: " + order
                + "}\ntraining: {learningRate: {rule: power, coefficient: 0.092, model: -0.265, batch: 0.5, data: -0.2}}\n";
        return SweepDesigner.design(SweepSpecReader.read(text, "s.yaml", List.of()), CORPUS, new Slots(2, 0), List.of())
                .spec();
    }

    private static SweepPlan plan(SweepSpec spec) {
        return new SweepPlanner().plan(spec, CORPUS, new Slots(2, 0));
    }

    private static List<Cell> cells(SweepPlan plan) {
        return plan.cells().stream()
                .map(PlannedCell::gridCell)
                .map(planned -> planned.cell())
                .toList();
    }

    private static Set<String> ids(SweepPlan plan) {
        return cells(plan).stream().map(Cell::id).collect(Collectors.toSet());
    }

    private static List<Object> place(Cell cell) {
        return List.of(cell.model(), cell.data().steps(), cell.data().batchSequences());
    }

    private static double ofRule(Cell cell) {
        return 0.092
                * Math.pow(cell.model().counts().n(), -0.265)
                * Math.sqrt(cell.batchTokens())
                * Math.pow(cell.tokens(), -0.2);
    }

    /** What the pilot's cells bring where the best rate is a multiple of the rule's. */
    private static List<CellResult> results(ToDoubleFunction<Cell> best) {
        return cells(PILOT).stream()
                .map(cell -> KnownSweep.ofSize(cell.model().counts().n(), cell.tokens(), cell.batchTokens())
                        .at(
                                cell.training().peakLearningRate(),
                                2
                                        + 0.05
                                                * Math.pow(
                                                        Math.log(cell.training().peakLearningRate()
                                                                / ofRule(cell)
                                                                / best.applyAsDouble(cell)),
                                                        2)))
                .toList();
    }

    @Test
    void theCellsThatTrySeveralRatesAreTrainedFirst() {
        assertThat(FirstRates.outstanding(DESIGN)).isTrue();
        assertThat(FirstRates.outstanding(designed("together"))).isFalse();
        assertThat(cells(PILOT)).hasSize(15);
        cells(PILOT).stream()
                .collect(Collectors.groupingBy(cell ->
                        List.of(cell.model(), cell.data().steps(), cell.data().batchSequences())))
                .values()
                .forEach(place -> assertThat(place).hasSize(3));
        assertThat(FirstRates.before(PLAN))
                .startsWith("The 15 cells that try several learning rates are trained first;");
    }

    @Test
    void theOthersTakeTheFactorAndThePilotStaysInTheSweep() {
        FirstRates rates = FirstRates.of(DESIGN, results(cell -> cell.batchTokens() > 300 ? 1.35 : 1.25));

        assertThat(rates.sentence())
                .startsWith(
                        "rate pilot: at 5 model, data and batch sizes the best learning rates are 1.3 times the rule's (")
                .endsWith("; the other cells take 1.3 times the rule's rates");
        SweepPlan then = plan(rates.design());
        assertThat(ids(then)).containsAll(ids(PILOT));
        Map<List<Object>, Double> before = cells(PLAN).stream()
                .filter(cell -> !ids(PILOT).contains(cell.id()))
                .collect(Collectors.toMap(
                        FirstRatesTest::place, cell -> cell.training().peakLearningRate(), (one, same) -> one));
        assertThat(cells(then).stream().filter(cell -> !ids(PILOT).contains(cell.id())))
                .hasSizeGreaterThan(20)
                .allSatisfy(cell -> assertThat(
                                cell.training().peakLearningRate() / before.getOrDefault(place(cell), ofRule(cell)))
                        .isCloseTo(1.3, within(0.03)));
        assertThat(FirstRates.outstanding(rates.design())).isFalse();
    }

    @Test
    void aRuleThatIsNotSurelyOffIsKept() {
        FirstRates rates = FirstRates.of(
                DESIGN, results(cell -> cell.batchTokens() > 300 ? 0.8 : cell.tokens() > 1e6 ? 1.2 : 0.95));

        assertThat(rates.sentence()).endsWith("; the other cells keep the rule's rates");
        assertThat(ids(plan(rates.design()))).isEqualTo(ids(PLAN));
        assertThat(FirstRates.outstanding(rates.design()))
                .as("what was decided stays so")
                .isFalse();
    }

    /** Twice the rule is too high everywhere: what is left are two rates a place. */
    @Test
    void aRateThatDivergedWasTriedAndIsNoMinimum() {
        List<CellResult> cells = results(cell -> 0.3).stream()
                .map(cell -> cell.learningRate() > 1.5 * ofRule(cell) ? ended(cell, CellState.DIVERGED) : cell)
                .toList();

        assertThat(cells.stream().filter(cell -> cell.state() == CellState.DIVERGED))
                .hasSize(5);
        assertThat(FirstRates.of(DESIGN, cells).sentence())
                .startsWith(
                        "rate pilot: at 5 model, data and batch sizes the best learning rates are at most 0.5 times")
                .endsWith("; the other cells take 0.50 times the rule's rates");
        assertThat(FirstRates.of(
                                DESIGN,
                                cells.stream()
                                        .map(cell -> ended(cell, CellState.DIVERGED))
                                        .toList())
                        .sentence())
                .endsWith("the other cells keep the rule's");
    }

    /** Without the lowest rate the middle one of a place is not the rule's. */
    @Test
    void aPlaceOfACellThatFailedTellsNothing() {
        List<CellResult> cells = results(cell -> cell.batchTokens() > 300 ? 1.35 : 1.25).stream()
                .map(cell -> cell.learningRate() < 0.7 * ofRule(cell) && cell.batchTokens() > 300
                        ? ended(cell, CellState.FAILED)
                        : cell)
                .toList();
        long failed =
                cells.stream().filter(cell -> cell.state() == CellState.FAILED).count();

        assertThat(failed).isEqualTo(1);
        assertThat(FirstRates.of(DESIGN, cells).sentence())
                .startsWith("rate pilot: 1 of its 15 cells failed; at 4 model, data and batch sizes the best"
                        + " learning rates are 1.3 times the rule's (");
    }

    private static double ofRule(CellResult cell) {
        return 0.092
                * Math.pow(cell.parameters(), -0.265)
                * Math.sqrt(cell.batchTokens())
                * Math.pow(cell.tokens(), -0.2);
    }

    private static CellResult ended(CellResult cell, CellState state) {
        return Changed.copy(
                cell,
                Map.of(
                        "state",
                        state,
                        "problem",
                        Optional.of("the loss became NaN"),
                        "validationLoss",
                        OptionalDouble.empty(),
                        "standardError",
                        OptionalDouble.empty(),
                        "bitsPerByte",
                        OptionalDouble.empty(),
                        "trainLoss",
                        OptionalDouble.empty(),
                        "stoppedEarly",
                        false));
    }

    @Test
    void bestRatesAtTheEdgeAreToldAndTooFewPlacesDecideNothing() {
        assertThat(FirstRates.of(DESIGN, results(cell -> 3)).sentence())
                .contains("at least 2 times the rule's, which is as far as was tried; the other cells take 2.0 times")
                .doesNotContain("(2");
        List<CellResult> few =
                results(cell -> 1.3).stream().collect(Collectors.groupingBy(CellResult::parameters)).entrySet().stream()
                        .min(Map.Entry.comparingByKey())
                        .orElseThrow()
                        .getValue();
        FirstRates rates = FirstRates.of(DESIGN, few);
        assertThat(rates.sentence()).contains("fewer than 3").endsWith("the other cells keep the rule's");
        assertThat(ids(plan(rates.design()))).isEqualTo(ids(PLAN));
    }
}
