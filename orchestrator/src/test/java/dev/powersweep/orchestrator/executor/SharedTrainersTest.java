package dev.powersweep.orchestrator.executor;

import static org.assertj.core.api.Assertions.assertThat;

import dev.powersweep.orchestrator.dispatch.AttemptOrder;
import dev.powersweep.orchestrator.dispatch.AttemptReport;
import dev.powersweep.orchestrator.driver.StandInTrainer.Trouble;
import dev.powersweep.orchestrator.driver.Sweeps;
import dev.powersweep.orchestrator.executor.host.HostCache;
import dev.powersweep.orchestrator.executor.trainer.Stopping;
import dev.powersweep.orchestrator.executor.trainer.TrainerPool;
import dev.powersweep.orchestrator.grid.GridCell;
import dev.powersweep.orchestrator.plan.RunPolicy;
import dev.powersweep.orchestrator.storage.Storage;
import dev.powersweep.orchestrator.storage.SweepDirectory;
import dev.powersweep.orchestrator.tables.ResultTables;
import dev.powersweep.orchestrator.tables.StepRow;
import dev.powersweep.worker.cell.Cell;
import dev.powersweep.worker.cell.CellState;
import dev.powersweep.worker.cell.FailureClass;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.List;
import java.util.Optional;
import java.util.Set;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.CopyOnWriteArrayList;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.TimeUnit;
import java.util.stream.LongStream;
import org.apache.hadoop.conf.Configuration;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** Attempts of one executor that share a real trainer process, as cells of one card do. */
class SharedTrainersTest {
    /** So that all are there before the first has ended: 40 ms a step. */
    private static final int STEPS = 30;

    @TempDir
    Path folder;

    private final Configuration configuration = new Configuration();
    private final ExecutorService tasks = Executors.newCachedThreadPool();
    private final List<LiveUpdate> live = new CopyOnWriteArrayList<>();
    private SweepDirectory directory;
    private ResultTables tables;
    private TrainerPool pool;

    @BeforeEach
    void open() throws Exception {
        directory = SweepDirectory.at(folder.resolve("sweep").toString(), configuration);
        Files.createDirectories(folder.resolve("sweep/corpus/" + Sweeps.CORPUS));
        tables = new ResultTables(directory, configuration);
        pool = new TrainerPool(folder.resolve("scratch"), Duration.ofSeconds(60));
    }

    @AfterEach
    void close() {
        tasks.shutdown();
        pool.close();
    }

    private CellSupervisor supervisor(double hangSeconds) throws Exception {
        Path jar = Sweeps.trainerJar(folder);
        RunPolicy policy = new RunPolicy(1, 0, 0, 1, 0.05, 0, hangSeconds, 3, 0, Optional.empty()).sharing(4);
        return new CellSupervisor(new CellSupervisor.Context(
                Storage.of(directory.root(), configuration),
                directory,
                policy,
                0,
                () -> jar,
                new HostCache(folder.resolve("cache")),
                folder.resolve("scratch"),
                pool,
                () -> live::add,
                "here",
                "0"));
    }

    private CompletableFuture<AttemptReport> begin(CellSupervisor supervisor, Cell cell, int attempt, Stopping stop) {
        AttemptOrder order = new AttemptOrder(new GridCell(cell.id(), cell), attempt, 0, 0, 60);
        return CompletableFuture.supplyAsync(() -> supervisor.run(order, List.of("0"), stop), tasks);
    }

    private CompletableFuture<AttemptReport> begin(CellSupervisor supervisor, Cell cell) {
        return begin(supervisor, cell, 1, Stopping.NEVER);
    }

    private static Cell slow(int layers) {
        return Sweeps.cell(layers, STEPS, Trouble.IS_SLOW);
    }

    private void assertWhole(Cell cell) {
        assertThat(tables.steps(cell.id()))
                .extracting(StepRow::step)
                .containsExactlyElementsOf(
                        LongStream.rangeClosed(1, STEPS).boxed().toList());
    }

    private static int neighbours(AttemptReport report) {
        return Integer.parseInt(report.trainer().orElseThrow().provenance().get("mostNeighbours"));
    }

    @Test
    void attemptsThatAskForTheSameProcessShareItAndEachStoresItsOwn() throws Exception {
        CellSupervisor supervisor = supervisor(30);
        List<Cell> cells = List.of(slow(1), slow(2), slow(3));
        List<CompletableFuture<AttemptReport>> begun =
                cells.stream().map(cell -> begin(supervisor, cell)).toList();
        for (int i = 0; i < 3; i++) {
            AttemptReport report = begun.get(i).join();
            assertThat(report.state()).isEqualTo(CellState.FINISHED);
            assertThat(neighbours(report)).isEqualTo(2);
            assertWhole(cells.get(i));
        }
        Cell later = Sweeps.cell(4, STEPS, Trouble.NONE);
        assertThat(neighbours(begin(supervisor, later).join())).isZero();
        assertThat(pool.started()).isEqualTo(1);
    }

    @Test
    void oneThatIsStoppedLeavesItsNeighboursWhereTheyAre() throws Exception {
        CellSupervisor supervisor = supervisor(30);
        Cell stopped = slow(1);
        Cell other = slow(2);
        CompletableFuture<AttemptReport> neighbour = begin(supervisor, other);
        AttemptReport report = begin(supervisor, stopped, 1, () -> live.stream()
                        .anyMatch(update -> update.cell().equals(stopped.id()) && update.step() > 5))
                .join();
        assertThat(report.state()).isEqualTo(CellState.INTERRUPTED);
        assertThat(tables.steps(stopped.id())).hasSize((int) report.step());
        assertThat(begin(supervisor, stopped, 2, Stopping.NEVER).join().state()).isEqualTo(CellState.FINISHED);
        assertWhole(stopped);
        assertThat(neighbour.join().state()).isEqualTo(CellState.FINISHED);
        assertWhole(other);
        assertThat(pool.started()).isEqualTo(1);
    }

    @Test
    void oneThatHangsEndsAloneAndLaterOnesGetAnotherTrainer() throws Exception {
        CellSupervisor supervisor = supervisor(3);
        Cell other = Sweeps.cell(2, 150, Trouble.IS_SLOW);
        CompletableFuture<AttemptReport> neighbour = begin(supervisor, other);
        AttemptReport hung =
                begin(supervisor, Sweeps.cell(1, STEPS, Trouble.HANGS)).join();
        assertThat(hung.failure()).contains(FailureClass.TIMEOUT);
        assertThat(neighbour.isDone()).isFalse();
        Cell later = Sweeps.cell(3, STEPS, Trouble.NONE);
        assertThat(begin(supervisor, later).join().state()).isEqualTo(CellState.FINISHED);
        assertThat(pool.started()).isEqualTo(2);
        AttemptReport report = neighbour.join();
        assertThat(report.state()).isEqualTo(CellState.FINISHED);
        assertThat(report.step()).isEqualTo(150);
    }

    @Test
    void aCrashCostsEachWhatItHadNotStored() throws Exception {
        CellSupervisor supervisor = supervisor(30);
        Cell other = slow(2);
        CompletableFuture<AttemptReport> neighbour = begin(supervisor, other);
        Cell crashing = Sweeps.cell(1, STEPS, Trouble.ABORTS_ONCE);
        while (live.stream().noneMatch(update -> update.step() > 5)) {
            Thread.sleep(10);
        }
        AttemptReport crashed = begin(supervisor, crashing).join();
        AttemptReport report = neighbour.join();
        assertThat(List.of(crashed, report)).allSatisfy(each -> {
            assertThat(each.failure()).contains(FailureClass.NATIVE_CRASH);
            assertThat(each.step()).isPositive().isEqualTo(5 * (each.step() / 5));
        });
        for (Cell cell : List.of(crashing, other)) {
            AttemptReport again = begin(supervisor, cell, 2, Stopping.NEVER).join();
            assertThat(again.state()).isEqualTo(CellState.FINISHED);
            assertWhole(cell);
        }
        assertThat(pool.started()).isEqualTo(2);
    }

    /** They would wait for what nobody starts any more. */
    @Test
    void anErrorWhileATrainerStartsIsNotWaitedForByLaterOnes() throws Exception {
        CellSupervisor supervisor = supervisor(30);
        AttemptReport broken = begin(supervisor, slow(1), 1, () -> {
                    throw new StackOverflowError("on purpose");
                })
                .join();
        assertThat(broken.state()).isEqualTo(CellState.FAILED);
        Cell later = Sweeps.cell(2, STEPS, Trouble.NONE);
        assertThat(begin(supervisor, later).get(30, TimeUnit.SECONDS).state()).isEqualTo(CellState.FINISHED);
    }

    @Test
    void oneThatMayHaveNoNeighboursGetsATrainerOfItsOwn() throws Exception {
        CellSupervisor supervisor = supervisor(30);
        List<CompletableFuture<AttemptReport>> begun = List.of(begin(supervisor, slow(1)), begin(supervisor, slow(2)));
        Cell cell = slow(3);
        AttemptOrder alone = new AttemptOrder(
                new GridCell(cell.id(), cell),
                2,
                0,
                0,
                60,
                List.of(),
                List.of(),
                AttemptOrder.Beginning.OWN,
                AttemptOrder.Company.NONE,
                Set.of());
        AttemptReport report = supervisor.run(alone, List.of("0"), Stopping.NEVER);
        assertThat(report.state()).isEqualTo(CellState.FINISHED);
        assertThat(report.trainer().orElseThrow().provenance()).doesNotContainKey("mostNeighbours");
        assertThat(begun)
                .allSatisfy(other -> assertThat(neighbours(other.join())).isEqualTo(1));
        assertThat(pool.started()).isEqualTo(2);
    }
}
