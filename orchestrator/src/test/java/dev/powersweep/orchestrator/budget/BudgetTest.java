package dev.powersweep.orchestrator.budget;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.assertj.core.api.Assertions.within;

import dev.powersweep.fitting.allocation.DesignCell;
import dev.powersweep.fitting.allocation.Goal;
import dev.powersweep.fitting.allocation.OptimalDesign;
import dev.powersweep.fitting.allocation.Plan;
import dev.powersweep.fitting.runs.Quantity;
import dev.powersweep.orchestrator.grid.CorpusFacts;
import dev.powersweep.orchestrator.plan.Slots;
import dev.powersweep.orchestrator.plan.SweepPlanner;
import dev.powersweep.orchestrator.spec.ModelSize;
import dev.powersweep.orchestrator.spec.SweepSpec;
import dev.powersweep.orchestrator.spec.SweepSpecReader;
import dev.powersweep.orchestrator.storage.UserError;
import dev.powersweep.worker.cell.Cell;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.NavigableMap;
import java.util.Optional;
import java.util.OptionalDouble;
import java.util.OptionalInt;
import java.util.TreeMap;
import java.util.function.Function;
import org.assertj.core.data.Percentage;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

class BudgetTest {
    private static final double ALPHA = 0.34;
    private static final double BETA = 0.28;
    private static final double G = Math.pow(ALPHA * 406.4 / (BETA * 410.7), 1 / (ALPHA + BETA));

    /** The published fit of Hoffmann et al. 2022, approach 3, with its rounded constants. */
    private static StoredFit published(List<DesignCell> made) {
        Map<String, Double> parameters = new LinkedHashMap<>();
        parameters.put("E", 1.69);
        parameters.put("A", 406.4);
        parameters.put("B", 410.7);
        parameters.put("alpha", ALPHA);
        parameters.put("beta", BETA);
        return new StoredFit(
                "chinchilla",
                (theta, at) -> theta[0]
                        + theta[1] / Math.pow(at.get(Quantity.N), theta[3])
                        + theta[2] / Math.pow(at.get(Quantity.D), theta[4]),
                parameters,
                new double[0][],
                0.95,
                0.005,
                made,
                List.of());
    }

    private static Plan plan(Goal goal) {
        return Budget.plan(List.of(published(List.of())), Optional.empty(), goal)
                .plan();
    }

    @Test
    void modelsThatOnlyAProgramCanMakeAreNotSuggested() {
        String sweep =
                """
                corpus: none
                trainer: {command: [./train.sh]}
                grid:
                  points: [{arguments: {depth: 2}}, {arguments: {depth: 4}}]
                  dataSizes: [1M]
                """;
        assertThatThrownBy(() -> NextCells.requireSizes(Optional.of(sweep)))
                .isInstanceOf(UserError.class)
                .hasMessageContaining("grid.points");
        NextCells.requireSizes(Optional.of("grid: {modelSizes: [25k], dataSizes: [1M]}"));
    }

    @Test
    void aBudgetIsSplitAsTheClosedFormSays() {
        Plan plan = plan(new Goal.Flops(5.76e23));
        double n = G * Math.pow(5.76e23 / 6, BETA / (ALPHA + BETA));
        assertThat(plan.n().value()).isCloseTo(n, Percentage.withPercentage(0.01));
        assertThat(plan.d().value()).isCloseTo(5.76e23 / 6 / n, Percentage.withPercentage(0.01));
        assertThat(plan.gains()).hasSize(3).allMatch(gain -> gain.nats().value() > 0);
    }

    @Test
    void everyQuestionLeadsBackToTheSamePlan() {
        Plan plan = plan(new Goal.Flops(1e21));
        assertThat(plan(new Goal.Loss(plan.loss().value())).flops().value())
                .isCloseTo(1e21, Percentage.withPercentage(0.1));
        assertThat(plan(new Goal.Tokens(plan.d().value())).flops().value())
                .isCloseTo(1e21, Percentage.withPercentage(0.1));
        assertThat(plan(new Goal.Parameters(plan.n().value())).flops().value())
                .isCloseTo(1e21, Percentage.withPercentage(0.1));
    }

    @Test
    void aPlanFarBeyondTheRunsIsRefusedUnlessAnExtrapolationIsAskedFor() {
        List<StoredFit> small =
                List.of(published(List.of(DesignCell.of(1e6, 1e8, Double.NaN), DesignCell.of(1e8, 1e10, 1e5))));
        Plan near = Budget.plan(small, Optional.empty(), new Goal.Flops(1e19), Optional.empty())
                .plan();
        assertThat(near.warnings()).noneMatch(warning -> warning.contains("extrapolated"));
        Plan far = Budget.plan(small, Optional.empty(), new Goal.Flops(3e20), Optional.empty())
                .plan();
        assertThat(far.warnings())
                .anyMatch(warning -> warning.contains("times the largest that was fitted (6.00e+18)"));
        assertThatThrownBy(() -> Budget.plan(small, Optional.empty(), new Goal.Flops(1e24), Optional.empty()))
                .isInstanceOf(OutOfReach.class)
                .hasMessageContaining("the largest that was fitted")
                .hasMessageContaining("--extrapolate");
        assertThat(Budget.plan(small, Optional.empty(), new Goal.Flops(1e24), Optional.empty(), Budget.Reach.ANYWHERE)
                        .plan()
                        .warnings())
                .filteredOn(warning -> warning.contains("extrapolated"))
                .hasSize(3);
    }

    @Test
    void aLossBelowTheFloorIsRefusedWithTheFloor() {
        assertThatThrownBy(() -> plan(new Goal.Loss(1.5)))
                .isInstanceOf(UserError.class)
                .hasMessageContaining("levels off at 1.69");
    }

    @Test
    void withoutALawOfSizeAndDataThereIsNoPlan() {
        assertThatThrownBy(() -> Budget.plan(List.of(), Optional.empty(), new Goal.Flops(1e20)))
                .isInstanceOf(UserError.class)
                .hasMessageContaining("vary both in the sweep");
    }

    @Test
    void theRuleForTheLearningRateIsSilentWhereItBreaksDown() {
        assertThat(plan(new Goal.Flops(1e19)).learningRate().value().value()).isCloseTo(0.0005, within(0.0004));
        assertThat(plan(new Goal.Flops(1e26)).learningRate().value().value()).isNaN();
    }

    @Test
    void theLearningRateIsByTheSweepsOwnRule() {
        BudgetPlan constant = ownRule("0.004");
        assertThat(constant.learningRate().value().value()).isEqualTo(0.004);
        assertThat(constant.learningRate().source())
                .isEqualTo("by the sweep's own rule, training.learningRate, extrapolated to this run");
        assertThat(BudgetText.text(constant, List.of())).contains("0.004");
        BudgetPlan power = ownRule("{rule: power, coefficient: 2, model: -0.5, data: 0.1}");
        assertThat(power.learningRate().value().value())
                .isCloseTo(
                        2
                                * Math.pow(power.plan().n().value(), -0.5)
                                * Math.pow(power.plan().d().value(), 0.1),
                        within(1e-12));
        assertThat(ownRule("{value: 0.004, batchScaling: sqrt, referenceBatch: 1024}")
                        .learningRate())
                .satisfies(rate -> assertThat(rate.value().value()).isNaN())
                .satisfies(rate -> assertThat(rate.source()).contains("follows the batch"));
    }

    @Test
    void machinesThatAreNoneAreRefusedInASentence(@TempDir Path folder) throws IOException {
        Path file = folder.resolve("rates.yaml");
        for (String text : List.of(
                "[".repeat(100_000),
                "- &m {name: *m, flopsPerSecond: 1e12, watts: 1, pricePerHour: 1}",
                "- {name: a, flopsPerSecond: &l [*l], watts: 1, pricePerHour: 1}",
                "- &l [*l]",
                "- {name: a, flopsPerSecond: fast, watts: 1, pricePerHour: 1}")) {
            Files.writeString(file, text);
            assertThatThrownBy(() -> Rates.read(file))
                    .as(text.substring(0, Math.min(40, text.length())))
                    .isInstanceOf(UserError.class)
                    .hasMessageStartingWith(file + ": ");
        }
    }

    private static BudgetPlan ownRule(String rate) {
        return Budget.plan(
                List.of(published(List.of())),
                Optional.empty(),
                new Goal.Flops(1e19),
                Optional.of(read("{grid: {modelSizes: 25k, dataSizes: 1M}, training: {learningRate: " + rate + "}}")
                        .training()
                        .learningRate()));
    }

    private static StoredFit batchLaw(String law, double critical, double aicc, List<DesignCell> made) {
        Map<String, Double> parameters = new LinkedHashMap<>();
        parameters.put("E", 1.69);
        parameters.put("A", 406.4);
        parameters.put("B", 410.7);
        parameters.put("alpha", ALPHA);
        parameters.put("beta", BETA);
        parameters.put("B_crit", critical);
        parameters.put("kappa", 0.0);
        return new StoredFit(
                law,
                (theta, at) -> 2 + at.get(Quantity.B) / 1e6,
                parameters,
                new double[0][],
                0.95,
                0.005,
                made,
                List.of("Rates untuned: one rate."),
                aicc);
    }

    @Test
    void everyLawThatKnowsBothSizesCanBeAsked() {
        StoredFit bent = new StoredFit(
                "farseer",
                (theta, at) ->
                        1.69 + 400 / Math.pow(at.get(Quantity.N), 0.34) + 400 / Math.pow(at.get(Quantity.D), 0.28),
                Map.of("s", 1.0),
                new double[0][],
                0.95,
                0.005,
                List.of(),
                List.of());
        StoredFit sizes = new StoredFit(
                "kaplan-n",
                (theta, at) -> 3 / Math.pow(at.get(Quantity.N), 0.1),
                Map.of("Nc", 1.0),
                new double[0][],
                0.95,
                0.005,
                List.of(),
                List.of());
        List<StoredFit> fits = List.of(published(List.of()), bent, sizes);
        Goal goal = new Goal.Flops(1e20);
        assertThat(Budget.plan(fits, Optional.of("farseer"), goal).plan().law()).isEqualTo("farseer");
        assertThatThrownBy(() -> Budget.plan(fits, Optional.of("kaplan-n"), goal))
                .isInstanceOf(UserError.class)
                .hasMessageContaining("cannot divide a budget");
        assertThatThrownBy(() -> Budget.plan(fits, Optional.of("gadre"), goal))
                .isInstanceOf(UserError.class)
                .hasMessageContaining("there are chinchilla, farseer, kaplan-n");
    }

    /** Law, then N, D and B, then the rate and the loss at that batch; the sweep's text, context and grid bound it. */
    @Test
    void theChainAgreesWithItself() {
        List<DesignCell> made = List.of(DesignCell.of(1e6, 1e8, 256), DesignCell.of(1e8, 1e10, 1024));
        double[] criticals = new double[2];
        for (int k = 0; k < 2; k++) {
            List<StoredFit> fits = List.of(
                    published(made),
                    batchLaw("three-term", 30_000, k == 0 ? -90 : -120, made),
                    batchLaw("three-term-data", 60_000, -100, made));
            BudgetPlan plan = Budget.plan(
                    fits,
                    Optional.empty(),
                    new Goal.Flops(1e19),
                    new Conditions(
                            Optional.of(
                                    read("{grid: {modelSizes: 25k, dataSizes: 1M}, training: {learningRate: {rule: power,"
                                                    + " coefficient: 2, batch: 0.5}}}")
                                            .training()
                                            .learningRate()),
                            OptionalInt.of(64),
                            OptionalDouble.of(1e8)),
                    Budget.Reach.OF_THE_RUNS);
            double batch = plan.batch().orElseThrow().value();
            criticals[k] = batch;
            assertThat(batch % 64).isZero();
            assertThat(plan.steps().orElseThrow().value())
                    .isEqualTo(Math.ceil(plan.plan().d().value() / batch));
            assertThat(plan.learningRate().value().value()).isCloseTo(2 * Math.sqrt(batch), within(1e-9));
            assertThat(plan.atBatch().orElseThrow()).isCloseTo(2 + batch / 1e6, within(1e-12));
            assertThat(plan.warnings())
                    .anyMatch(warning -> warning.startsWith("Rates untuned"))
                    .anyMatch(warning -> warning.contains("The batch of") && warning.contains("extrapolated"))
                    .anyMatch(warning -> warning.contains("The sweep's text has 100M tokens")
                            && warning.contains("worth less and less"));
        }
        // Of two laws of the batch the one with the lower AICc speaks.
        assertThat(criticals[1]).isCloseTo(6_000, within(64.0));
        assertThat(criticals[0]).isGreaterThan(criticals[1]);
    }

    private static SweepSpec read(String yaml) {
        return SweepSpecReader.read(yaml, "next.yaml", List.of());
    }

    @Test
    void suggestedCellsStayWithinTheBudgetAndTellMore() {
        List<DesignCell> made = new ArrayList<>();
        for (double n : new double[] {25e3, 100e3, 400e3}) {
            for (double d : new double[] {3e5, 6e5, 1.2e6}) {
                made.add(DesignCell.of(n, d, 512));
            }
        }
        var design = NextCells.choose(List.of(published(made)), Optional.empty(), 4, Trainable.ANYTHING);
        assertThat(design.flops())
                .isLessThanOrEqualTo(
                        made.stream().mapToDouble(DesignCell::flops).sum());
        assertThat(design.deviationAfter()).isLessThan(design.deviationBefore());
        SweepSpec alone = read(NextCells.specification(design, Optional.empty(), Optional.empty(), GridSizes.COUNTED));
        assertThat(alone.name()).isEqualTo("next-cells");
        SweepSpec joined = read(NextCells.specification(
                design,
                Optional.of("name: mine\ncontext: 64\ngrid: {modelSizes: [25k], dataSizes: [300k]}\n"),
                Optional.of("sweeps/mine"),
                GridSizes.COUNTED));
        assertThat(joined.name()).isEqualTo("mine");
        assertThat(joined.context()).isEqualTo(64);
        assertThat(joined.output()).contains("sweeps/mine");
        assertThat(joined.grid().parts()).hasSize(4);
    }

    /** Else {@code run} refuses them for their epochs, or trains another model than the one that was worth it. */
    @Test
    void suggestedCellsAreOnesThatTheSweepCanTrain() {
        List<DesignCell> made = new ArrayList<>();
        for (double n : new double[] {6144, 25e3, 100e3}) {
            for (double d : new double[] {3e5, 6e5, 1.2e6}) {
                made.add(DesignCell.of(n, d, 512));
            }
        }
        List<StoredFit> fits = List.of(published(made));
        Trainable text = new Trainable(1_500_000, n -> Math.max(6144, 8 * Math.rint(n / 8)));

        List<DesignCell> cells =
                NextCells.choose(fits, Optional.empty(), 6, text).cells();

        assertThat(cells).isNotEmpty().allSatisfy(cell -> {
            assertThat(cell.d()).isLessThanOrEqualTo(1_500_000);
            assertThat(cell.n()).isGreaterThanOrEqualTo(6144);
            assertThat(cell.n() % 8).isZero();
        });
        assertThat(NextCells.choose(fits, Optional.empty(), 6, Trainable.ANYTHING)
                        .cells())
                .anySatisfy(cell -> assertThat(cell.d()).isGreaterThan(1_500_000));
        assertThat(cells.stream().mapToDouble(DesignCell::d)).contains(512 * 2929.0);
    }

    /** Of a program that reports N, 16 parameters for each of the grid's square root, as a model of one layer may have. */
    @Test
    void sizesThatAProgramReportedBecomeThoseOfTheGrid() {
        NavigableMap<Double, Double> known = new TreeMap<>();
        for (double grid : new double[] {1e4, 4e4, 16e4}) {
            known.put(16 * Math.sqrt(grid), grid);
        }
        GridSizes sizes = new GridSizes(known);
        for (double grid : new double[] {25e2, 1e4, 2e4, 9e4, 16e4, 64e4}) {
            assertThat(sizes.of(16 * Math.sqrt(grid))).isCloseTo(grid, within(1e-6 * grid));
        }
        OptimalDesign design =
                new OptimalDesign(List.of(DesignCell.of(12800, 3e5, 512)), 0.2, List.of(0.18), 3e12, true);
        String yaml = NextCells.specification(
                design,
                Optional.of("name: mine\ntrainer: {command: [a], parameters: reported}\n"
                        + "grid: {modelSizes: [10k], dataSizes: [300k]}\n"),
                Optional.of("sweeps/mine"),
                sizes);
        assertThat(yaml).contains("for which it should report about 12800.\n");
        assertThat(read(yaml).grid().parts().get(0).modelSizes()).containsExactly(new ModelSize.Target(640_000));
        assertThat(new GridSizes(new TreeMap<>(Map.of(500.0, 1000.0))).of(50)).isCloseTo(100, within(1e-9));
        assertThat(GridSizes.COUNTED.of(50)).isEqualTo(50);
    }

    @Test
    void suggestedCellsAreNoneThatTheSweepHas() {
        OptimalDesign twice = new OptimalDesign(
                List.of(DesignCell.of(25e3, 3e5, 512), DesignCell.of(25e3, 3e5, 512), DesignCell.of(1e5, 3e5, 512)),
                0.2,
                List.of(0.18, 0.17, 0.16),
                3e12,
                true);

        SweepSpec joined = read(NextCells.specification(
                twice,
                Optional.of("name: mine\ngrid: {modelSizes: [25k], dataSizes: [300k], seeds: [0, 3]}\n"),
                Optional.of("sweeps/mine"),
                GridSizes.COUNTED));

        assertThat(joined.grid().parts())
                .extracting(part -> part.seeds().get(0))
                .containsExactly(4L, 5L, 4L);
    }

    @Test
    void suggestedCellsOfASweepWithBranchesOrABatchWarmupAreTrainedAsItsOthersAre() {
        OptimalDesign design = new OptimalDesign(
                List.of(DesignCell.of(5e4, 2e6, 512), DesignCell.of(1e5, 8e6, 512)),
                0.2,
                List.of(0.18, 0.17),
                3e12,
                true);
        CorpusFacts corpus = new CorpusFacts(
                "0123456789abcdef", 256, 100_000_000, List.of(new CorpusFacts.EvaluationSet("validation", 400_000)));
        Function<String, List<Cell>> suggested = base -> new SweepPlanner()
                        .plan(
                                read(NextCells.specification(
                                        design, Optional.of(base), Optional.of("sweeps/mine"), GridSizes.COUNTED)),
                                corpus,
                                new Slots(2, 0))
                        .cells()
                        .stream()
                        .map(planned -> planned.gridCell().cell())
                        .toList();

        String branched =
                "name: mine\ncontext: 64\ngrid: {modelSizes: [25k, 100k], dataSizes: [2M, 8M], batchSizes: 512,"
                        + " branches: {at: [250k], batchSizes: [512, 2048], tokens: 131k}}\ntraining: {schedule:"
                        + " constant-with-cooldown, trunk: shared, warmup: {steps: 100}}\nevaluation: {everyTokens: 500k}\n";
        assertThat(suggested.apply(branched))
                .hasSize(2)
                .allSatisfy(cell -> assertThat(cell.data().branch()).isEmpty());
        String warmed =
                "name: mine\ncontext: 64\ngrid: {modelSizes: [25k, 100k], dataSizes: [2M, 8M], batchSizes: 512}\n"
                        + "training: {batchWarmup: {doubleAt: [250k]}}\n";
        assertThat(suggested.apply(warmed))
                .hasSize(2)
                .allSatisfy(cell -> assertThat(cell.data().batchWarmup()).isPresent());
    }

    @Test
    void fitsThatPredictNoLossSayWhatTheSweepLacks() {
        String none =
                "{\"runs\": 3, \"rows\": 3, \"source\": \"sweep\", \"fits\": [], \"refusals\": [{\"law\": \"chinchilla\","
                        + " \"reason\": \"TOO_FEW_SIZES\", \"sentence\": \"one model size is too few.\", \"selection\": \"\"}],"
                        + " \"reading\": [], \"notes\": []}";
        assertThatThrownBy(() -> FitsFile.read("sweeps/mine", none))
                .isInstanceOf(UserError.class)
                .hasMessage("sweeps/mine: it holds no fit that predicts a loss; one model size is too few.");
    }
}
