package dev.powersweep.orchestrator.end2end;

import static dev.powersweep.orchestrator.cli.InProcess.powersweep;
import static org.assertj.core.api.Assertions.assertThat;

import dev.powersweep.orchestrator.cli.InProcess.Answer;
import dev.powersweep.orchestrator.dispatch.AttemptReport;
import dev.powersweep.orchestrator.dispatch.CellRecord;
import dev.powersweep.orchestrator.dispatch.LedgerEvent;
import dev.powersweep.orchestrator.driver.Histories;
import dev.powersweep.orchestrator.driver.Sweeps;
import dev.powersweep.orchestrator.storage.SweepDirectory;
import dev.powersweep.worker.cell.CellState;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Instant;
import java.util.ArrayList;
import java.util.HashSet;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.concurrent.TimeUnit;
import java.util.stream.Collectors;
import org.apache.hadoop.conf.Configuration;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.extension.ExtendWith;
import org.junit.jupiter.api.io.TempDir;

/**
 * What only a cluster shows: GPUs handed out to slots, executors that are lost, hosts that cannot train, a second driver.
 * The GPUs are names that a discovery script prints; where cells have to train, a trainer that trains nothing says that
 * it found those it was given.
 */
@ExtendWith(Loopback.Shared.class)
class ClusterIT {
    @TempDir
    Path folder;

    /** A driver that takes seconds on an idle machine takes minutes beside ten other builds. */
    private static final long DRIVER_SECONDS = 900;

    private Loopback loopback;
    private Configuration configuration;
    private Loopback.Options standIn;

    @BeforeEach
    void take(Loopback shared) throws IOException {
        loopback = shared;
        configuration = loopback.hdfs().configuration();
        standIn = Loopback.Options.NONE.with("spark.powersweep.trainerJar=" + Sweeps.trainerJar(folder));
    }

    @Test
    void everyTrainerSeesItsOwnGpuAndALostExecutorCostsItsCellOneAttempt() throws Exception {
        SweepDirectory directory = directory("gpus");
        // Many enough that the sweep goes on while a second driver is started beside it.
        Path specification = specification(24, "resources: {gpus: 1}");
        Answer second;
        try (Daemon driver = loopback.submit(
                standIn.with("spark.cores.max=4"), "run", specification, "--output", directory.root())) {
            Set<String> seen = new HashSet<>();
            long end = System.nanoTime() + TimeUnit.SECONDS.toNanos(DRIVER_SECONDS);
            while (loopback.cluster().trainers().size() < 4) {
                assertThat(driver.alive() && System.nanoTime() < end)
                        .as("four trainers at once:\n" + driver.log())
                        .isTrue();
                TimeUnit.MILLISECONDS.sleep(LoopbackCluster.LOOK_MILLIS);
            }
            for (ProcessHandle trainer : loopback.cluster().trainers()) {
                seen.add(visibleDevices(trainer));
                assertThat(environment(trainer)).doesNotContain(Loopback.SECRET);
            }
            assertThat(loopback.cluster().executors())
                    .allSatisfy(executor -> assertThat(environment(executor)).contains(Loopback.SECRET));
            second = powersweep("run", specification, "--output", directory.root(), "--master", "local[1]");
            loopback.cluster().executors().get(0).destroyForcibly();
            assertThat(driver.awaitEnd(DRIVER_SECONDS)).as(driver.log()).isZero();
            Set<String> offered = new HashSet<>(LoopbackCluster.gpus(0));
            offered.addAll(LoopbackCluster.gpus(1));
            assertThat(seen).isEqualTo(offered);
        }
        assertThat(second.exitCode()).isNotZero();
        assertThat(second.err())
                .contains("another driver is running the sweep in " + directory.root() + ": pid ")
                .contains("wait for it to end or stop it");

        List<CellRecord> cells = StoredResults.records(directory, configuration);
        assertThat(cells).hasSize(24).extracting(CellRecord::state).containsOnly(CellState.FINISHED);
        List<List<String>> disturbed = new ArrayList<>();
        List<AttemptReport> reports = new ArrayList<>();
        for (CellRecord cell : cells) {
            List<String> history =
                    Histories.full(directory, configuration, cell.cell().id());
            if (!history.equals(List.of("PLANNED", "RUNNING #1", "FINISHED #1"))) {
                disturbed.add(history);
            }
            reports.add(cell.last().orElseThrow());
        }
        assertThat(disturbed)
                .containsExactly(
                        List.of("PLANNED", "RUNNING #1", "INTERRUPTED #1 LOST_EXECUTOR", "RUNNING #2", "FINISHED #2"));
        for (AttemptReport report : reports) {
            int worker = report.host().equals(LoopbackCluster.host(0)) ? 0 : 1;
            assertThat(report.host()).isEqualTo(LoopbackCluster.host(worker));
            assertThat(LoopbackCluster.gpus(worker)).contains(device(report));
        }
        // One executor, one GPU; and nobody else has it at the same time.
        Map<String, Set<String>> devices = reports.stream()
                .collect(Collectors.groupingBy(
                        AttemptReport::executor, Collectors.mapping(ClusterIT::device, Collectors.toSet())));
        assertThat(devices.values()).allMatch(set -> set.size() == 1);
        for (AttemptReport one : reports) {
            assertThat(reports)
                    .filteredOn(other -> other != one && device(other).equals(device(one)))
                    .allMatch(other -> !other.startedAt().isBefore(one.endedAt())
                            || !other.endedAt().isAfter(one.startedAt()));
        }
    }

    /** Two executors of two cores and a GPU each. */
    @Test
    @Tag("nightly")
    void cellsThatShareAGpuShareItsTrainer() throws Exception {
        SweepDirectory directory = directory("shared-gpus");
        Path specification = specification(8, 60, "resources: {gpus: 1, cellsPerGpu: 2}");
        try (Daemon driver = loopback.submit(
                standIn.with("spark.cores.max=4")
                        .with("spark.executor.cores=2")
                        .with("spark.task.resource.gpu.amount=0.5"),
                "run",
                specification,
                "--output",
                directory.root())) {
            assertThat(driver.awaitEnd(DRIVER_SECONDS)).as(driver.log()).isZero();
            assertThat(driver.log()).contains("2 cells share a GPU (resources.cellsPerGpu)");
        }
        List<CellRecord> cells = StoredResults.records(directory, configuration);
        assertThat(cells).hasSize(8).extracting(CellRecord::state).containsOnly(CellState.FINISHED);
        List<AttemptReport> reports =
                cells.stream().map(cell -> cell.last().orElseThrow()).toList();
        Map<Long, Set<String>> devices = reports.stream()
                .collect(Collectors.groupingBy(
                        report -> report.trainer().orElseThrow().pid(),
                        Collectors.mapping(ClusterIT::device, Collectors.toSet())));
        assertThat(devices).hasSize(2);
        assertThat(devices.values()).allMatch(set -> set.size() == 1);
        assertThat(reports)
                .extracting(
                        report -> report.trainer().orElseThrow().provenance().get("mostNeighbours"))
                .containsOnly("1");
        Path asBefore = specification(8, 60, "resources: {gpus: 1, cellsPerGpu: 4}");
        try (Daemon driver = loopback.submit(standIn, "run", asBefore, "--output", directory.root())) {
            assertThat(driver.awaitEnd(DRIVER_SECONDS)).isEqualTo(1);
            assertThat(driver.log())
                    .contains("spark.task.resource.gpu.amount = 1 does not go with resources.cellsPerGpu = 4")
                    .contains("give --conf spark.task.resource.gpu.amount=0.25");
        }
    }

    @Test
    void aLostWorkerIsHeardOfAtOnceThoughEveryOtherSlotIsBusy() throws Exception {
        SweepDirectory directory = directory("lost-worker");
        Instant killed;
        try (Daemon driver = loopback.submit(
                standIn, "run", specification(2, 600, "resources: {gpus: 1}"), "--output", directory.root())) {
            long end = System.nanoTime() + TimeUnit.SECONDS.toNanos(DRIVER_SECONDS);
            while (loopback.cluster().trainers().size() < 2) {
                assertThat(driver.alive() && System.nanoTime() < end)
                        .as("two trainers at once:\n" + driver.log())
                        .isTrue();
                TimeUnit.MILLISECONDS.sleep(LoopbackCluster.LOOK_MILLIS);
            }
            loopback.cluster().killWorker(1);
            killed = Instant.now();
            // Its executors end with it. Nobody else offers a slot until it is back.
            driver.await("LOST_EXECUTOR");
            loopback.cluster().restartWorker(1);
            loopback.cluster().awaitWorkers();
            assertThat(driver.awaitEnd(DRIVER_SECONDS)).as(driver.log()).isZero();
        }
        List<LedgerEvent.Ended> ends = Histories.events(directory, configuration).stream()
                .filter(LedgerEvent.Ended.class::isInstance)
                .map(LedgerEvent.Ended.class::cast)
                .toList();
        assertThat(ends).hasSize(3);
        AttemptReport lost = ends.get(0).report();
        assertThat(lost.state()).isEqualTo(CellState.INTERRUPTED);
        assertThat(lost.host()).isEqualTo(LoopbackCluster.host(1));
        assertThat(lost.message()).contains("on " + LoopbackCluster.host(1) + " was lost");
        // Spark waits for five seconds before it gives a standalone executor up.
        assertThat(ends.get(0).at()).isBefore(killed.plusSeconds(30));
    }

    @Test
    @Tag("nightly")
    void aTrainerThatFindsNoGpuThoughOneWasAssignedIsAnErrorOnceEachHostWasAsked() throws Exception {
        SweepDirectory directory = directory("no-cuda");
        try (Daemon driver = loopback.submit(
                Loopback.Options.NONE, "run", specification(1, "resources: {gpus: 1}"), "--output", directory.root())) {
            assertThat(driver.awaitEnd(DRIVER_SECONDS)).isNotZero();
        }
        CellRecord cell = StoredResults.records(directory, configuration).get(0);
        assertThat(Histories.full(directory, configuration, cell.cell().id()))
                .containsExactly(
                        "PLANNED",
                        "RUNNING #1",
                        "INTERRUPTED #1 UNSUPPORTED_DEVICE",
                        "RUNNING #2",
                        "FAILED #2 UNSUPPORTED_DEVICE");
        assertThat(cell.last().orElseThrow().message())
                .contains("--backend cuda was asked for, but ND4J started CpuBackend");
    }

    @Test
    void aHostThatCannotStartTrainersGetsNoMoreCells() throws Exception {
        SweepDirectory directory = directory("bad-host");
        Path java = CrashOnDemand.javaHome(
                folder.resolve("java"),
                "",
                "[ \"$POWERSWEEP_TRAINER_TEST_HOST\" = " + LoopbackCluster.host(1)
                        + " ] && { echo 'no such library' >&2; exit 1; }");
        // Dynamic allocation asks for executors once there is a job: it would wait for ever, and is switched off.
        try (Daemon driver = loopback.submit(
                standIn.with("spark.dynamicAllocation.enabled=true"),
                "run",
                specification(6, "resources: {gpus: 1, trainerJava: " + java + "}"),
                "--output",
                directory.root())) {
            assertThat(driver.awaitEnd(DRIVER_SECONDS)).as(driver.log()).isZero();
            assertThat(driver.log())
                    .contains("spark.dynamicAllocation.enabled = true is switched off")
                    .contains("spark.cores.max = 2");
        }
        List<LedgerEvent> events = Histories.events(directory, configuration);
        List<LedgerEvent.HostExcluded> excluded = events.stream()
                .filter(LedgerEvent.HostExcluded.class::isInstance)
                .map(LedgerEvent.HostExcluded.class::cast)
                .toList();
        assertThat(excluded).hasSize(1);
        assertThat(excluded.get(0).host()).isEqualTo(LoopbackCluster.host(1));
        assertThat(excluded.get(0).reason()).contains("exit status 1").contains("no such library");
        List<CellRecord> cells = StoredResults.records(directory, configuration);
        assertThat(cells).hasSize(6).allMatch(cell -> cell.state() == CellState.FINISHED);
        int failures = 0;
        for (CellRecord cell : cells) {
            List<String> history =
                    Histories.full(directory, configuration, cell.cell().id());
            if (history.size() > 3) {
                failures++;
                assertThat(history)
                        .containsExactly(
                                "PLANNED", "RUNNING #1", "INTERRUPTED #1 BAD_NODE", "RUNNING #2", "FINISHED #2");
            }
            assertThat(cell.last().orElseThrow().host()).isEqualTo(LoopbackCluster.host(0));
        }
        assertThat(failures).isEqualTo(2);
        assertThat(powersweep("status", directory.root()).out())
                .contains("excluded  " + LoopbackCluster.host(1) + ": ");
    }

    @Test
    void aLocalMasterIsToldThatItSchedulesNoGpusBeforeAnythingIsWritten() throws Exception {
        Path output = folder.resolve("sweep");
        Answer answer =
                powersweep("run", specification(1, "resources: {gpus: 1}"), "--output", output, "--master", "local[2]");
        assertThat(answer.exitCode()).isNotZero();
        assertThat(answer.out()).isEmpty();
        assertThat(answer.err().strip())
                .isEqualTo(
                        "powersweep: resources.gpus = 1 cannot run on --master local[2]: Spark's local mode schedules"
                                + " no GPUs; start a standalone master and worker on this machine instead");
        assertThat(output).doesNotExist();
    }

    private SweepDirectory directory(String name) {
        return SweepDirectory.at(loopback.hdfs().uri() + "/cluster/" + name, configuration);
    }

    /** Cells that take the stand-in a second and a half; the seed tells it to be slow. */
    private Path specification(int cells, String resources) throws IOException {
        return specification(cells, 40, resources);
    }

    /** Cells that take the stand-in 40 ms a step. */
    private Path specification(int cells, int steps, String resources) throws IOException {
        Path text = Texts.write(folder.resolve("text.txt"), 5);
        List<String> seeds = new ArrayList<>();
        for (int i = 0; i < cells; i++) {
            seeds.add(Integer.toString(9 + 100 * i));
        }
        return Files.writeString(
                folder.resolve("cluster.yaml"),
                """
                name: cluster
                corpus: {text: "file://%s"}
                context: 32
                grid:
                  modelSizes: {layers: 1, width: 16, heads: 2}
                  dataSizes: [%d]
                  batchSizes: 512
                  seeds: [%s]
                training: {learningRate: 0.003}
                run: {checkpointSeconds: 0.2, reportSeconds: 0.1}
                %s
                """
                        .formatted(text, steps * 512, String.join(", ", seeds), resources));
    }

    private static String device(AttemptReport report) {
        return report.trainer().orElseThrow().device();
    }

    private static String environment(ProcessHandle process) throws IOException {
        return Files.readString(Path.of("/proc/" + process.pid() + "/environ"));
    }

    private static String visibleDevices(ProcessHandle process) throws IOException {
        return environment(process)
                .lines()
                .flatMap(text -> List.of(text.split("\0", -1)).stream())
                .filter(variable -> variable.startsWith("CUDA_VISIBLE_DEVICES="))
                .map(variable -> variable.substring("CUDA_VISIBLE_DEVICES=".length()))
                .findFirst()
                .orElse("none");
    }
}
