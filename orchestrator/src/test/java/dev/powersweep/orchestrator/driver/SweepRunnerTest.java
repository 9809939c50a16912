package dev.powersweep.orchestrator.driver;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.powersweep.orchestrator.dispatch.CellRecord;
import dev.powersweep.orchestrator.dispatch.SweepState;
import dev.powersweep.orchestrator.driver.StandInTrainer.Trouble;
import dev.powersweep.orchestrator.ledger.Lease;
import dev.powersweep.orchestrator.ledger.LedgerReader;
import dev.powersweep.orchestrator.plan.RunPolicy;
import dev.powersweep.orchestrator.plan.SweepPlan;
import dev.powersweep.orchestrator.publish.SweepPlugin;
import dev.powersweep.orchestrator.publish.SweepProgress;
import dev.powersweep.orchestrator.storage.SweepDirectory;
import dev.powersweep.orchestrator.storage.UserError;
import dev.powersweep.orchestrator.tables.CellRow;
import dev.powersweep.orchestrator.tables.ResultTables;
import dev.powersweep.orchestrator.tables.StepRow;
import dev.powersweep.orchestrator.tables.Table;
import dev.powersweep.worker.cell.Cell;
import dev.powersweep.worker.cell.CellState;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.sql.Connection;
import java.sql.DriverManager;
import java.sql.ResultSet;
import java.sql.ResultSetMetaData;
import java.util.ArrayList;
import java.util.HashSet;
import java.util.List;
import java.util.Optional;
import java.util.Set;
import java.util.stream.Collectors;
import java.util.stream.LongStream;
import java.util.stream.Stream;
import org.apache.hadoop.conf.Configuration;
import org.apache.spark.SparkConf;
import org.apache.spark.api.java.JavaSparkContext;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.TestInstance;
import org.junit.jupiter.api.io.TempDir;

/** Whole sweeps on a local Spark with real trainer processes that train nothing. */
@TestInstance(TestInstance.Lifecycle.PER_CLASS)
class SweepRunnerTest {
    private final Configuration configuration = new Configuration();
    private JavaSparkContext spark;

    @TempDir
    Path folder;

    private Path root;
    private SweepDirectory directory;
    private ResultTables tables;

    @BeforeAll
    void start(@TempDir Path jars) throws Exception {
        spark = new JavaSparkContext(new SparkConf()
                .setMaster("local[2]")
                .setAppName("sweeps")
                .set("spark.ui.enabled", "false")
                .set("spark.plugins", SweepPlugin.class.getName())
                .set(SweepRunner.TRAINER_JAR, Sweeps.trainerJar(jars).toString()));
    }

    @AfterAll
    void stop() {
        spark.stop();
    }

    @BeforeEach
    void open() throws Exception {
        root = folder.resolve("sweep-" + System.nanoTime());
        Files.createDirectories(root.resolve("corpus/" + Sweeps.CORPUS));
        directory = SweepDirectory.at(root.toString(), configuration);
        tables = new ResultTables(directory, configuration);
    }

    @Test
    void everyCellEndsInItsStateAndTheTablesHoldItsRowsOnce() throws Exception {
        SweepPlan plan = Sweeps.plan(
                Sweeps.POLICY,
                Sweeps.cell(1, 12, Trouble.NONE),
                Sweeps.cell(2, 12, Trouble.NONE),
                Sweeps.cell(1, 14, Trouble.ABORTS_ONCE),
                Sweeps.cell(1, 12, Trouble.DIVERGES),
                Sweeps.cell(1, 12, Trouble.HAS_A_BUG),
                Sweeps.cell(1, 12, Trouble.NEEDS_MICRO_BATCH_2),
                Sweeps.cell(1, 12, Trouble.ABORTS));
        SweepSummary summary = run(plan);
        assertThat(summary)
                .extracting(
                        SweepSummary::planned,
                        SweepSummary::finished,
                        SweepSummary::diverged,
                        SweepSummary::failed,
                        SweepSummary::unfinished)
                .containsExactly(7, 4, 1, 2, 0);
        assertThat(history(plan, Trouble.NONE)).startsWith("PLANNED RUNNING FINISHED");
        assertThat(history(plan, Trouble.ABORTS_ONCE))
                .isEqualTo("PLANNED RUNNING INTERRUPTED:NATIVE_CRASH RUNNING FINISHED");
        assertThat(history(plan, Trouble.DIVERGES)).isEqualTo("PLANNED RUNNING DIVERGED");
        assertThat(history(plan, Trouble.HAS_A_BUG)).isEqualTo("PLANNED RUNNING FAILED:BUG");
        assertThat(history(plan, Trouble.NEEDS_MICRO_BATCH_2))
                .isEqualTo("PLANNED RUNNING INTERRUPTED:HOST_MEMORY RUNNING INTERRUPTED:HOST_MEMORY RUNNING FINISHED");
        assertThat(history(plan, Trouble.ABORTS))
                .isEqualTo("PLANNED RUNNING INTERRUPTED:NATIVE_CRASH RUNNING INTERRUPTED:NATIVE_CRASH RUNNING"
                        + " FAILED:NATIVE_CRASH");

        List<CellRow> cells = tables.cells();
        assertThat(cells).hasSize(7).allMatch(row -> row.standing().sweep().equals("trial"));
        CellRow finished = row(plan, Trouble.ABORTS_ONCE);
        assertThat(finished.standing().attempts()).isEqualTo(2);
        assertThat(finished.result().stepsDone()).isEqualTo(14);
        assertThat(finished.result().validationLoss().getAsDouble())
                .isEqualTo(StandInTrainer.loss(finished.standing().cell(), 14) + 0.1);
        assertThat(finished.scale().kaplanFlops()).hasValue(6.0 * 12 * 32 * 32 * 14 * 8 * 16);
        assertThat(row(plan, Trouble.NEEDS_MICRO_BATCH_2).execution().microBatchSequences())
                .hasValue(2);
        assertThat(row(plan, Trouble.ABORTS).standing().message()).contains("the trainer died of SIGABRT after step 8");
        assertThat(root.resolve(row(plan, Trouble.ABORTS).execution().log().orElseThrow()))
                .exists();
        assertEachStepOnce();
        assertDuckDbReadsEverything();
    }

    @Test
    void submittingAgainTrainsNothingAndAGrownGridOnlyWhatIsNew() throws Exception {
        Cell first = Sweeps.cell(1, 12, Trouble.NONE);
        Cell second = Sweeps.cell(2, 12, Trouble.NONE);
        run(Sweeps.plan(Sweeps.POLICY, first));
        SweepSummary again = run(Sweeps.plan(Sweeps.POLICY, first));
        assertThat(again.attempts()).isZero();
        assertThat(again.planned()).isZero();
        assertThat(again.complete()).isTrue();
        SweepSummary grown = run(Sweeps.plan(Sweeps.POLICY, first, second));
        assertThat(grown.attempts()).isEqualTo(1);
        assertThat(grown.planned()).isEqualTo(1);
        assertThat(tables.cells()).hasSize(2).allMatch(row -> row.standing().attempts() == 1);
    }

    /** Its driver was killed before it began, and what it will take is predicted anew. */
    @Test
    void aCellThatWasPlannedBeforeIsNotNew() throws Exception {
        StoredSweep.write(root);
        SweepSummary summary = run(Sweeps.plan(Sweeps.POLICY, Sweeps.cell(3, 2, Trouble.NONE)));
        assertThat(summary.attempts()).isEqualTo(1);
        assertThat(summary.begun()).isEqualTo(1);
        assertThat(summary.planned()).isZero();
    }

    @Test
    void aDirectoryWithADifferentSweepIsRefusedAndLeftAsItIs() throws Exception {
        run(Sweeps.plan(Sweeps.POLICY, Sweeps.cell(1, 12, Trouble.NONE)));
        Set<String> before = files();
        SweepPlan plan = Sweeps.plan(Sweeps.POLICY, Sweeps.cell(1, 12, Trouble.NONE));
        SweepPlan renamed =
                new SweepPlan("other", plan.specification(), plan.corpusHash(), plan.cells(), plan.policy());
        assertThatThrownBy(() -> run(renamed))
                .isInstanceOf(UserError.class)
                .hasMessageContaining("holds the sweep \"trial\", not \"other\"")
                .hasMessageContaining("choose another --output");
        SweepPlan otherCorpus = new SweepPlan("trial", plan.specification(), "beef", plan.cells(), plan.policy());
        assertThatThrownBy(() -> run(otherCorpus))
                .isInstanceOf(UserError.class)
                .hasMessageContaining("holds a sweep over corpus c0ffee, not one over corpus beef");
        assertThat(files()).isEqualTo(before);
    }

    @Test
    void anOutputThatCannotBeWrittenIsRefused() throws Exception {
        Path file = folder.resolve("a-file");
        Files.writeString(file, "", StandardCharsets.UTF_8);
        directory = SweepDirectory.at(file.toString(), configuration);
        assertThatThrownBy(() -> run(Sweeps.plan(Sweeps.POLICY, Sweeps.cell(1, 12, Trouble.NONE))))
                .isInstanceOf(UserError.class)
                .hasMessageContaining("cannot write to")
                .hasMessageContaining("choose another --output");
    }

    @Test
    void failedCellsAreRerunAloneAndFinishedOnesAfreshWhenAskedFor() throws Exception {
        SweepPlan plan = Sweeps.plan(
                new RunPolicy(1, 0, 0, 1, 0.05, 0, 30, 1, 0, Optional.empty()),
                Sweeps.cell(1, 12, Trouble.NONE),
                Sweeps.cell(1, 12, Trouble.ABORTS_ONCE));
        assertThat(run(plan).failed()).isEqualTo(1);
        SweepRunner runner = new SweepRunner(spark);
        SweepSummary mended = runner.rerun(directory, cell -> cell.state() == CellState.FAILED, SweepProgress.NONE);
        assertThat(mended.attempts()).isEqualTo(1);
        assertThat(mended.complete()).isTrue();
        assertThat(history(plan, Trouble.ABORTS_ONCE))
                .isEqualTo("PLANNED RUNNING FAILED:NATIVE_CRASH PLANNED RUNNING FINISHED");
        assertThat(tables.steps(row(plan, Trouble.ABORTS_ONCE).standing().cell()))
                .extracting(StepRow::attempt)
                .containsExactly(1, 1, 1, 1, 1, 2, 2, 2, 2, 2, 2, 2);

        SweepSummary afresh = runner.rerun(directory, cell -> true, SweepProgress.NONE);
        assertThat(afresh.attempts()).isEqualTo(2);
        assertThat(tables.steps(row(plan, Trouble.ABORTS_ONCE).standing().cell()))
                .extracting(StepRow::attempt)
                .containsOnly(3);
        assertEachStepOnce();
    }

    @Test
    void smallFilesAreMergedAndACellTrainedAfreshLeavesTheMergedFile() throws Exception {
        SweepPlan plan = Sweeps.plan(
                Sweeps.POLICY,
                Sweeps.cell(1, 12, Trouble.NONE),
                Sweeps.cell(2, 12, Trouble.NONE),
                Sweeps.cell(1, 12, Trouble.DIVERGES));
        SweepRunner merging = new SweepRunner(spark, Lease.Timing.DEFAULT, 2);
        assertThat(merging.run(plan, directory, SweepProgress.NONE).finished()).isEqualTo(2);
        assertThat(files()).anyMatch(file -> file.contains("tables/steps/merged-"));
        assertEachStepOnce();
        assertDuckDbReadsEverything();
        int before = tables.steps().size();
        assertThat(merging.rerun(directory, cell -> cell.gridCell().name().contains("n24576"), SweepProgress.NONE)
                        .attempts())
                .isEqualTo(1);
        assertThat(tables.steps()).hasSize(before);
        assertEachStepOnce();
        assertDuckDbReadsEverything();
    }

    @Test
    void cellsOfOneTrunkTrainItOnceAndHoldCompleteRowsAllTheSame() throws Exception {
        List<Cell> cells = List.of(
                Sweeps.branch(20, Trouble.NONE),
                Sweeps.branch(40, Trouble.NONE),
                Sweeps.branch(30, Trouble.NONE),
                Sweeps.cell(2, 12, Trouble.NONE));
        SweepSummary summary = run(Sweeps.plan(Sweeps.POLICY, cells.toArray(Cell[]::new)));
        assertThat(summary.attempts()).isEqualTo(4);
        // All of the largest, and the cooldowns of the others.
        assertThat(summary.tokens()).isEqualTo((40 + 4 + 6 + 12) * cells.get(0).batchTokens());
        assertThat(summary.sharedFlops())
                .isEqualTo((16 + 24)
                        * cells.get(0).batchTokens()
                        * cells.get(0).shape().trainingFlopsPerToken());
        for (Cell cell : cells) {
            assertThat(tables.steps(cell.id()))
                    .extracting(StepRow::loss)
                    .containsExactlyElementsOf(
                            LongStream.rangeClosed(1, cell.data().steps())
                                    .mapToObj(step -> StandInTrainer.loss(cell, step))
                                    .toList());
        }
        CellRow small = rowOf(cells.get(0));
        assertThat(small.result().sharedSteps()).hasValue(16);
        assertThat(small.result().trunkCell()).contains(cells.get(1).id());
        assertThat(small.result().spentFlops().getAsDouble())
                .isEqualTo(4 * cells.get(0).batchTokens() * cells.get(0).shape().trainingFlopsPerToken());
        assertThat(rowOf(cells.get(1)).result().sharedSteps()).isEmpty();
        assertEachStepOnce();

        // Where the others began nobody will begin again.
        assertThat(stepsOfCheckpoints(cells.get(1))).containsExactlyInAnyOrder(32L, 40L);

        // A data size that is added later goes on from where the largest began to cool down.
        Cell larger = Sweeps.branch(60, Trouble.NONE);
        SweepSummary grown = run(Sweeps.plan(
                Sweeps.POLICY, Stream.concat(cells.stream(), Stream.of(larger)).toArray(Cell[]::new)));
        assertThat(grown.tokens()).isEqualTo((60 - 32) * larger.batchTokens());
        assertThat(tables.steps(larger.id())).hasSize(60);
        assertEachStepOnce();
    }

    @Test
    void branchesOfOtherBatchesBeginFromOneStateOfTheirTrunkWhichIsThenDeleted() throws Exception {
        Cell trunk = Sweeps.branch(40, Trouble.NONE);
        List<Cell> cells = List.of(
                trunk,
                Sweeps.branch(20, Trouble.NONE),
                Sweeps.otherBatch(trunk, 16, 2),
                Sweeps.otherBatch(trunk, 16, 4),
                Sweeps.otherBatch(trunk, 16, 8));
        SweepSummary summary = run(Sweeps.plan(Sweeps.POLICY, cells.toArray(Cell[]::new)));
        assertThat(summary.attempts()).isEqualTo(5);
        // All of the trunk, the cooldown of the shorter run, and four steps of 2, 4 and 8 sequences.
        long sequence = trunk.model().context();
        assertThat(summary.tokens()).isEqualTo((40 + 4) * trunk.batchTokens() + 4 * (2 + 4 + 8) * sequence);
        for (Cell cell : cells.subList(2, 5)) {
            CellRow row = rowOf(cell);
            assertThat(row.result().sharedSteps()).hasValue(16);
            assertThat(row.result().trunkCell()).contains(trunk.id());
            assertThat(row.scale().branchTokens()).hasValue(16 * trunk.batchTokens());
            assertThat(row.scale().trunkBatchTokens()).hasValue(trunk.batchTokens());
            assertThat(row.scale().batchTokens()).isEqualTo(cell.data().batchSequences() * sequence);
            assertThat(row.scale().branchLearningRate())
                    .hasValue(1.5 * row.rule().peakLearningRate());
            assertThat(tables.steps(cell.id())).hasSize(20);
        }
        assertThat(rowOf(trunk).scale().branchTokens()).isEmpty();
        assertThat(stepsOfCheckpoints(trunk)).containsExactlyInAnyOrder(32L, 40L);
        assertEachStepOnce();

        // Branches that come when the trunk has ended train it once more, for all of them.
        Cell first = Sweeps.otherBatch(trunk, 10, 2);
        Cell second = Sweeps.otherBatch(trunk, 10, 4);
        SweepSummary grown = run(Sweeps.plan(
                Sweeps.POLICY,
                Stream.concat(cells.stream(), Stream.of(first, second)).toArray(Cell[]::new)));
        assertThat(grown.tokens()).isEqualTo(10 * trunk.batchTokens() + 4 * (2 + 4) * sequence);
        assertEachStepOnce();
    }

    @Test
    void aTrunkThatFailsLeavesItsBranchesToGoOnByThemselvesFromWhatItKept() throws Exception {
        // All of them abort at step 8, and the trunk with the most steps gets no further.
        List<Cell> cells = List.of(
                Sweeps.branch(6, Trouble.ABORTS), Sweeps.branch(12, Trouble.ABORTS), Sweeps.branch(14, Trouble.ABORTS));
        SweepSummary summary = run(Sweeps.plan(Sweeps.POLICY, cells.toArray(Cell[]::new)));
        assertThat(summary)
                .extracting(SweepSummary::finished, SweepSummary::failed, SweepSummary::unfinished)
                .containsExactly(1, 2, 0);
        assertThat(tables.steps(cells.get(0).id())).hasSize(6);
        assertThat(rowOf(cells.get(0)).result().sharedSteps()).hasValue(5);
        // Its own place, step 10, was never reached.
        assertThat(rowOf(cells.get(1)).result().sharedSteps()).hasValue(5);
        assertThat(rowOf(cells.get(1)).standing().attempts()).isEqualTo(3);
        assertEachStepOnce();
    }

    @Test
    void aTrunkThatIsCutShortGoesOnAndItsBranchesWaitForIt() throws Exception {
        List<Cell> cells = List.of(Sweeps.branch(20, Trouble.ABORTS_ONCE), Sweeps.branch(30, Trouble.ABORTS_ONCE));
        SweepSummary summary = run(Sweeps.plan(Sweeps.POLICY, cells.toArray(Cell[]::new)));
        assertThat(summary.complete()).isTrue();
        // Step 8 of the branch is the trunk's, so that it never aborts itself.
        assertThat(rowOf(cells.get(0)).standing().attempts()).isEqualTo(1);
        assertThat(rowOf(cells.get(1)).standing().attempts()).isEqualTo(2);
        assertThat(rowOf(cells.get(0)).result().sharedSteps()).hasValue(16);
        assertEachStepOnce();
    }

    private List<Long> stepsOfCheckpoints(Cell cell) throws Exception {
        Path home = Path.of(directory.checkpoints(cell.id()).toUri());
        try (Stream<Path> files = Files.list(home)) {
            return files.map(file -> file.getFileName().toString())
                    .filter(name -> name.startsWith("checkpoint-"))
                    .map(name -> Long.parseLong(name.replaceFirst(".*-step-(\\d+)-.*", "$1")))
                    .toList();
        }
    }

    private CellRow rowOf(Cell cell) {
        return tables.cells().stream()
                .filter(row -> row.standing().cell().equals(cell.id()))
                .findFirst()
                .orElseThrow();
    }

    @Test
    void equalFailuresInARowStopTheSweepAndKeepEveryState() throws Exception {
        SweepPlan plan = Sweeps.plan(
                new RunPolicy(1, 0, 0, 1, 0.05, 0, 30, 3, 2, Optional.empty()),
                Stream.iterate(12L, steps -> steps + 1)
                        .limit(8)
                        .map(steps -> Sweeps.cell(1, steps, Trouble.HAS_A_BUG))
                        .toArray(Cell[]::new));
        SweepSummary summary = run(plan);
        assertThat(summary.stopped().orElseThrow())
                .contains("attempts in a row failed alike, the last one with BUG: index 3 out of bounds");
        assertThat(summary.failed()).isBetween(2, 3);
        assertThat(summary.unfinished()).isEqualTo(8 - summary.failed());
        SweepState state = LedgerReader.open(directory, configuration);
        assertThat(state.stopped()).isPresent();
        assertThat(state.count(CellState.PLANNED)).isEqualTo(summary.unfinished());
    }

    private SweepSummary run(SweepPlan plan) throws InterruptedException {
        return new SweepRunner(spark).run(plan, directory, SweepProgress.NONE);
    }

    private String history(SweepPlan plan, Trouble trouble) throws Exception {
        String id = id(plan, trouble);
        return Histories.of(directory, configuration, id);
    }

    private static String id(SweepPlan plan, Trouble trouble) {
        return plan.cells().stream()
                .map(cell -> cell.gridCell().cell())
                .filter(cell -> cell.seed() == trouble.ordinal())
                .findFirst()
                .orElseThrow()
                .id();
    }

    private CellRow row(SweepPlan plan, Trouble trouble) {
        String id = id(plan, trouble);
        return tables.cells().stream()
                .filter(row -> row.standing().cell().equals(id))
                .findFirst()
                .orElseThrow();
    }

    private void assertEachStepOnce() {
        List<StepRow> steps = tables.steps();
        assertThat(new HashSet<>(
                        steps.stream().map(row -> row.cell() + row.step()).toList()))
                .hasSize(steps.size());
        for (CellRecord cell : LedgerReader.open(directory, configuration).cells()) {
            if (cell.state() == CellState.FINISHED) {
                assertThat(tables.steps(cell.cell().id()))
                        .hasSize((int) cell.cell().data().steps())
                        .allMatch(row -> row.loss() == StandInTrainer.loss(cell.cell(), row.step()));
            }
        }
    }

    private void assertDuckDbReadsEverything() throws Exception {
        try (Connection duckDb = DriverManager.getConnection("jdbc:duckdb:")) {
            for (Table<?> table : List.of(Table.CELLS, Table.STEPS, Table.EVALS)) {
                String query = "select * from read_parquet('" + root + "/tables/" + table.name() + "/*.parquet')";
                int rows = 0;
                try (ResultSet result = duckDb.createStatement().executeQuery(query)) {
                    ResultSetMetaData columns = result.getMetaData();
                    List<String> names = new ArrayList<>();
                    for (int i = 1; i <= columns.getColumnCount(); i++) {
                        names.add(columns.getColumnName(i));
                    }
                    assertThat(names)
                            .containsExactlyElementsOf(table.columns().stream()
                                    .map(Table.ColumnInfo::name)
                                    .toList());
                    while (result.next()) {
                        rows++;
                    }
                }
                assertThat(rows)
                        .isEqualTo(
                                table == Table.CELLS
                                        ? tables.cells().size()
                                        : table == Table.STEPS
                                                ? tables.steps().size()
                                                : tables.evals().size());
            }
        }
    }

    private Set<String> files() throws Exception {
        try (Stream<Path> walk = Files.walk(root)) {
            return walk.map(Path::toString).collect(Collectors.toSet());
        }
    }
}
