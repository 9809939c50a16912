package dev.powersweep.orchestrator.executor;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.powersweep.orchestrator.dispatch.AttemptOrder;
import dev.powersweep.orchestrator.dispatch.AttemptReport;
import dev.powersweep.orchestrator.driver.StandInTrainer;
import dev.powersweep.orchestrator.driver.StandInTrainer.Trouble;
import dev.powersweep.orchestrator.driver.Sweeps;
import dev.powersweep.orchestrator.executor.host.HostCache;
import dev.powersweep.orchestrator.executor.trainer.Stopping;
import dev.powersweep.orchestrator.executor.trainer.TrainerPool;
import dev.powersweep.orchestrator.grid.GridCell;
import dev.powersweep.orchestrator.plan.RunPolicy;
import dev.powersweep.orchestrator.storage.Digests;
import dev.powersweep.orchestrator.storage.Storage;
import dev.powersweep.orchestrator.storage.SweepDirectory;
import dev.powersweep.orchestrator.tables.EvalRow;
import dev.powersweep.orchestrator.tables.ResultTables;
import dev.powersweep.orchestrator.tables.StepRow;
import dev.powersweep.worker.cell.Cell;
import dev.powersweep.worker.cell.CellListeners;
import dev.powersweep.worker.cell.CellState;
import dev.powersweep.worker.cell.FailureClass;
import dev.powersweep.worker.cell.Program;
import java.io.ByteArrayInputStream;
import java.io.File;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.List;
import java.util.Optional;
import java.util.OptionalInt;
import java.util.concurrent.CopyOnWriteArrayList;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicBoolean;
import java.util.stream.LongStream;
import org.apache.hadoop.conf.Configuration;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** Against real trainer processes. */
class CellSupervisorTest {
    @TempDir
    Path folder;

    private final Configuration configuration = new Configuration();
    private final List<LiveUpdate> live = new CopyOnWriteArrayList<>();
    private SweepDirectory directory;
    private ResultTables tables;
    private TrainerPool pool;
    private CellSupervisor supervisor;

    @BeforeEach
    void open() throws Exception {
        directory = SweepDirectory.at(folder.resolve("sweep").toString(), configuration);
        Files.createDirectories(folder.resolve("sweep/corpus/" + Sweeps.CORPUS));
        tables = new ResultTables(directory, configuration);
        pool = new TrainerPool(folder.resolve("scratch"), Duration.ofSeconds(60));
        supervisor = supervisor(Sweeps.POLICY);
    }

    @AfterEach
    void close() {
        pool.close();
    }

    private CellSupervisor supervisor(RunPolicy policy) throws Exception {
        return new CellSupervisor(context(policy));
    }

    private CellSupervisor.Context context(RunPolicy policy) throws Exception {
        Path jar = Sweeps.trainerJar(folder);
        return new CellSupervisor.Context(
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
                "0");
    }

    @Test
    void aCellIsTrainedAndStoredAndATrainerServesManyCells() {
        for (int layers = 1; layers <= 3; layers++) {
            Cell cell = Sweeps.cell(layers, 12, Trouble.NONE);
            AttemptReport report = attempt(cell, 1, 0);
            assertThat(report.state()).isEqualTo(CellState.FINISHED);
            assertThat(report.trainer().orElseThrow().provenance()).containsEntry("omp", "1");
            assertWhole(cell, 12);
            assertThat(tables.evals(cell.id())).extracting(EvalRow::step).containsExactly(4L, 8L, 12L);
        }
        assertThat(pool.started()).isEqualTo(1);
        assertThat(live).extracting(LiveUpdate::step).contains(0L).anyMatch(step -> step > 0);
    }

    @Test
    void jarsOfListenersFollowTheTrainersOnItsClassPath() throws Exception {
        byte[] content = {1, 2, 3};
        String sha256 = Digests.sha256(new ByteArrayInputStream(content));
        Files.createDirectories(folder.resolve("sweep/programs"));
        Files.write(folder.resolve("sweep/programs").resolve(sha256), content);
        CellListeners listeners =
                new CellListeners(List.of("a.B"), List.of(new Program.File("b.jar", sha256, content.length)));
        RunPolicy policy = Sweeps.POLICY;
        CellSupervisor.Context context = context(new RunPolicy(
                policy.threadsPerCell(),
                policy.trainerMemoryBytes(),
                policy.gpusPerCell(),
                policy.checkpointSeconds(),
                policy.reportSeconds(),
                policy.cellTimeoutSeconds(),
                policy.hangSeconds(),
                policy.maxAttempts(),
                policy.equalFailuresToStop(),
                policy.trainerJava(),
                Optional.of(listeners),
                OptionalInt.empty()));
        String classPath =
                context.trainerJar().path() + File.pathSeparator + folder.resolve("cache/programs/" + sha256);
        assertThat(CellSupervisor.key(context, context.policy(), List.of()).commandLine())
                .containsSubsequence("-cp", classPath, "dev.powersweep.worker.trainer.Main", "serve")
                .doesNotContain("-jar");

        Files.write(folder.resolve("sweep/programs").resolve(sha256), new byte[] {1, 2, 4});
        HostCache.deleteAll(folder.resolve("cache"));
        assertThatThrownBy(() -> CellSupervisor.key(context, context.policy(), List.of()))
                .isInstanceOf(IOException.class);
    }

    @Test
    void aCellThatHasEndedIsNotTrainedAgain() {
        Cell cell = Sweeps.cell(1, 12, Trouble.NONE);
        attempt(cell, 1, 0);
        AttemptReport again = attempt(cell, 2, 0);
        assertThat(again.state()).isEqualTo(CellState.FINISHED);
        assertThat(again.attempt()).isEqualTo(2);
        assertThat(again.result()).isPresent();
        assertThat(tables.steps(cell.id())).allMatch(row -> row.attempt() == 1).hasSize(12);
    }

    @Test
    void anAbortIsANativeCrashAndTheNextAttemptGoesOnFromTheCheckpoint() {
        Cell cell = Sweeps.cell(1, 12, Trouble.ABORTS_ONCE);
        AttemptReport first = attempt(cell, 1, 0);
        assertThat(first.failure()).contains(FailureClass.NATIVE_CRASH);
        assertThat(first.message()).isEqualTo("the trainer died of SIGABRT after step 8");
        assertThat(first.step()).isEqualTo(5);
        assertThat(folder.resolve("sweep").resolve(first.log())).content().contains("attempt 1");
        AttemptReport second = attempt(cell, 2, 0);
        assertThat(second.state()).isEqualTo(CellState.FINISHED);
        assertThat(second.resumedFromStep()).isEqualTo(5);
        assertWhole(cell, 12);
        assertThat(tables.steps(cell.id())).extracting(StepRow::attempt).containsSequence(1, 1, 2);
        assertThat(pool.started()).isEqualTo(2);
    }

    @Test
    void aTrainerThatSomebodyKilledGoesOnAsItWasAndOneThatTheKernelKilledIsOutOfMemory() throws IOException {
        AttemptReport report = attempt(Sweeps.cell(1, 12, Trouble.IS_KILLED), 1, 0);
        // Linux counts its own kills; nothing else tells them from a person's.
        assertThat(report.failure())
                .contains(killsAreCounted() ? FailureClass.LOST_EXECUTOR : FailureClass.HOST_MEMORY);
        assertThat(report.microBatchSequences()).isEqualTo(8);
        assertThat(report.step()).isEqualTo(5);
    }

    @Test
    void aStuckTrainerIsATimeOut() throws Exception {
        supervisor = supervisor(new RunPolicy(1, 0, 0, 1, 0.05, 0, 5, 3, 0, Optional.empty()));
        AttemptReport report = attempt(Sweeps.cell(1, 12, Trouble.HANGS), 1, 0);
        assertThat(report.failure()).contains(FailureClass.TIMEOUT);
        assertThat(report.message())
                .startsWith("the trainer was stuck: no word for")
                .endsWith("after step 8");
    }

    @Test
    void anAttemptBeyondItsTimeIsATimeOut() {
        AttemptReport report = supervisor.run(
                new AttemptOrder(new GridCell("slow", Sweeps.cell(1, 500, Trouble.IS_SLOW)), 1, 0, 0, 3),
                List.of(),
                Stopping.NEVER);
        assertThat(report.failure()).contains(FailureClass.TIMEOUT);
        assertThat(report.message())
                .startsWith("not done after 3 s, at step")
                .endsWith("; raise run.timeoutSeconds if it is only slow");
        assertThat(report.step()).isPositive();
    }

    @Test
    void aTrainerThatBabblesIsABug() {
        AttemptReport report = attempt(Sweeps.cell(1, 12, Trouble.BABBLES), 1, 0);
        assertThat(report.failure()).contains(FailureClass.BUG);
        assertThat(report.message()).contains("is no frame").contains("Added differentiated op");
    }

    @Test
    void aTrainerThatJustExitsIsABug() {
        AttemptReport report = attempt(Sweeps.cell(1, 12, Trouble.EXITS), 1, 0);
        assertThat(report.failure()).contains(FailureClass.BUG);
        assertThat(report.message()).isEqualTo("the trainer died of exit status 1 after step 8");
    }

    @Test
    void aBugKeepsItsMessageAndItsTrainerIsReplaced() {
        AttemptReport report = attempt(Sweeps.cell(1, 12, Trouble.HAS_A_BUG), 1, 0);
        assertThat(report.failure()).contains(FailureClass.BUG);
        assertThat(report.message()).isEqualTo("index 3 out of bounds");
        assertThat(report.detail()).isEqualTo("at Trainer.step");
        attempt(Sweeps.cell(2, 12, Trouble.NONE), 1, 0);
        assertThat(pool.started()).isEqualTo(2);
    }

    @Test
    void divergenceIsAResultWithItsSteps() {
        Cell cell = Sweeps.cell(1, 12, Trouble.DIVERGES);
        AttemptReport report = attempt(cell, 1, 0);
        assertThat(report.state()).isEqualTo(CellState.DIVERGED);
        assertThat(report.message()).isEqualTo("diverged at step 7: loss is NaN");
        assertThat(tables.steps(cell.id())).hasSize(7);
        assertThat(tables.steps(cell.id()).get(6).loss()).isNaN();
        assertThat(attempt(cell, 2, 0).state()).isEqualTo(CellState.DIVERGED);
    }

    @Test
    void aKilledTaskLetsItsTrainerWriteACheckpoint() throws Exception {
        Cell cell = Sweeps.cell(1, 400, Trouble.IS_SLOW);
        AtomicBoolean stop = new AtomicBoolean();
        Thread killer = new Thread(() -> {
            try {
                while (live.stream().noneMatch(update -> update.step() > 20)) {
                    TimeUnit.MILLISECONDS.sleep(20);
                }
            } catch (InterruptedException e) {
                Thread.currentThread().interrupt();
            }
            stop.set(true);
        });
        killer.start();
        AttemptReport report = supervisor.run(order(cell, 1, 0), List.of(), stop::get);
        killer.join();
        assertThat(report.state()).isEqualTo(CellState.INTERRUPTED);
        assertThat(report.step()).isGreaterThan(20);
        assertThat(tables.steps(cell.id())).hasSize((int) report.step());
    }

    @Test
    void aTrainerThatItsOwnExecutorEndsIsNotTakenForOutOfMemory() throws Exception {
        Cell cell = Sweeps.cell(1, 400, Trouble.IS_SLOW);
        Thread exit = new Thread(() -> {
            try {
                while (live.stream().noneMatch(update -> update.step() > 2)) {
                    TimeUnit.MILLISECONDS.sleep(20);
                }
            } catch (InterruptedException e) {
                Thread.currentThread().interrupt();
            }
            pool.close();
        });
        exit.start();
        AttemptReport report = attempt(cell, 1, 0);
        exit.join();
        assertThat(report.state()).isEqualTo(CellState.INTERRUPTED);
        assertThat(report.failure()).contains(FailureClass.LOST_EXECUTOR);
        assertThat(report.message()).isEqualTo("the executor is shutting down");
    }

    @Test
    void aJavaThatIsNotThereIsABadNode() throws Exception {
        supervisor = supervisor(new RunPolicy(1, 0, 0, 1, 0.05, 0, 30, 3, 0, Optional.of("/no/such/java")));
        AttemptReport report = attempt(Sweeps.cell(1, 12, Trouble.NONE), 1, 0);
        assertThat(report.failure()).contains(FailureClass.BAD_NODE);
        assertThat(report.message()).contains("/no/such/java/bin/java");
    }

    @Test
    void aTrainerThatSomebodyKilledBeforeItWasReadyIsNotTakenForOutOfMemory() throws Exception {
        supervisor = supervisorOnJava("kill -9 $$");
        AttemptReport report = attempt(Sweeps.cell(1, 12, Trouble.NONE), 1, 0);
        assertThat(report.failure())
                .contains(killsAreCounted() ? FailureClass.LOST_EXECUTOR : FailureClass.HOST_MEMORY);
        assertThat(report.message()).contains("before it was ready");
    }

    @Test
    void aTrainerThatEndedBeforeItWasReadyIsQuotedWithoutWhatEveryJvmSays() throws Exception {
        supervisor = supervisorOnJava(
                "echo 'no room in /native' >&2; echo 'WARNING: Using incubator modules: jdk.incubator.vector' >&2; exit 1");
        AttemptReport report = attempt(Sweeps.cell(1, 12, Trouble.NONE), 1, 0);
        assertThat(report.failure()).contains(FailureClass.BAD_NODE);
        assertThat(report.message()).endsWith("before it was ready: no room in /native");
    }

    @Test
    void aTrainerWithoutItsGpuIsAnUnsupportedDevice() throws Exception {
        supervisor = supervisor(new RunPolicy(1, 0, 1, 1, 0.05, 0, 30, 3, 0, Optional.empty()));
        AttemptReport report = attempt(Sweeps.cell(1, 12, Trouble.NONE), 1, 0);
        assertThat(report.failure()).contains(FailureClass.UNSUPPORTED_DEVICE);
        assertThat(report.message()).contains("fell back to backend cpu");
    }

    /** With a Java that is this line of shell. */
    private CellSupervisor supervisorOnJava(String line) throws Exception {
        Path java = folder.resolve("java/bin/java");
        Files.createDirectories(java.getParent());
        Files.writeString(java, "#!/bin/sh\n" + line + "\n");
        assertThat(java.toFile().setExecutable(true)).isTrue();
        return supervisor(new RunPolicy(
                1,
                0,
                0,
                1,
                0.05,
                0,
                30,
                3,
                0,
                Optional.of(folder.resolve("java").toString())));
    }

    private AttemptReport attempt(Cell cell, int attempt, int microBatch) {
        return supervisor.run(order(cell, attempt, microBatch), List.of(), Stopping.NEVER);
    }

    /** Whether this system says how many processes it has killed for want of memory. */
    private static boolean killsAreCounted() throws IOException {
        Path counters = Path.of("/proc/vmstat");
        return Files.exists(counters) && Files.readString(counters).contains("oom_kill ");
    }

    private static AttemptOrder order(Cell cell, int attempt, int microBatch) {
        return new AttemptOrder(Sweeps.planned(cell).gridCell(), attempt, 0, microBatch, 600);
    }

    private void assertWhole(Cell cell, long steps) {
        List<StepRow> rows = tables.steps(cell.id());
        assertThat(rows)
                .extracting(StepRow::step)
                .containsExactlyElementsOf(
                        LongStream.rangeClosed(1, steps).boxed().toList());
        assertThat(rows).allMatch(row -> row.loss() == StandInTrainer.loss(cell.id(), row.step()));
    }
}
