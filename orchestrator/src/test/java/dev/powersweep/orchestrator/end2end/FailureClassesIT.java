package dev.powersweep.orchestrator.end2end;

import static dev.powersweep.orchestrator.cli.InProcess.powersweep;
import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.within;

import dev.powersweep.orchestrator.cli.InProcess.Answer;
import dev.powersweep.orchestrator.dispatch.AttemptReport;
import dev.powersweep.orchestrator.dispatch.CellRecord;
import dev.powersweep.orchestrator.driver.Histories;
import dev.powersweep.orchestrator.storage.SweepDirectory;
import dev.powersweep.orchestrator.tables.ResultTables;
import dev.powersweep.orchestrator.tables.StepRow;
import dev.powersweep.orchestrator.tables.Table;
import dev.powersweep.worker.cell.CellState;
import java.io.IOException;
import java.io.RandomAccessFile;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.TimeUnit;
import java.util.stream.LongStream;
import java.util.stream.Stream;
import org.apache.hadoop.conf.Configuration;
import org.apache.hadoop.fs.FileUtil;
import org.apache.hadoop.fs.permission.FsPermission;
import org.apache.hadoop.hdfs.DistributedFileSystem;
import org.apache.hadoop.hdfs.protocol.HdfsConstants;
import org.apache.hadoop.security.UserGroupInformation;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.extension.ExtendWith;
import org.junit.jupiter.api.io.TempDir;

/** Every way a cell can fail on one machine, brought about for real, and what the ledger says of it afterwards. */
@ExtendWith(Loopback.Shared.class)
class FailureClassesIT {
    private static final double PATIENCE_SECONDS = 600;

    @TempDir
    Path folder;

    private final Configuration local = new Configuration();
    private final Map<String, String> settings = new HashMap<>();

    @BeforeEach
    void configureSpark() {
        set("spark.ui.enabled", "false");
    }

    /** As {@code --conf} of spark-submit does. */
    private void set(String name, String value) {
        settings.put(name, value);
        System.setProperty(name, value);
    }

    @AfterEach
    void forgetSettings() {
        settings.keySet().forEach(System::clearProperty);
    }

    @Test
    void aCrashAHangAndAKillEachCostOneAttemptAndNoStep() throws Exception {
        Path trigger = folder.resolve("crash");
        Path java = CrashOnDemand.javaHome(folder.resolve("java"), trigger);
        Path specification = specification(
                // Three times as long as it takes three signals to come through on an idle machine.
                "dataSizes: [1.5M]",
                "run: {checkpointSeconds: 0.3, reportSeconds: 0.1, hangSeconds: 15}",
                "resources: {trainerJava: " + java + "}");
        SweepDirectory directory = SweepDirectory.at(folder.resolve("sweep").toString(), local);
        CompletableFuture<Answer> run = CompletableFuture.supplyAsync(() -> powersweep(
                "run",
                specification,
                "--output",
                directory.root(),
                "--master",
                "local[1]",
                "--set",
                "training.maxEpochs=3"));
        awaitMoreSteps(directory, run);
        Files.writeString(trigger, "");
        awaitAttempt(directory, 2, run);
        awaitMoreSteps(directory, run);
        signal("STOP");
        awaitAttempt(directory, 3, run);
        awaitMoreSteps(directory, run);
        signal("KILL");
        assertThat(run.get(10, TimeUnit.MINUTES).exitCode()).isZero();

        CellRecord cell = onlyCell(directory, local);
        assertThat(Histories.full(directory, local, cell.cell().id()))
                .containsExactly(
                        "PLANNED",
                        "RUNNING #1",
                        "INTERRUPTED #1 NATIVE_CRASH",
                        "RUNNING #2",
                        "INTERRUPTED #2 TIMEOUT",
                        "RUNNING #3",
                        "INTERRUPTED #3 " + (linuxCountsItsKills() ? "LOST_EXECUTOR" : "HOST_MEMORY"),
                        linuxCountsItsKills() ? "RUNNING #4" : "RUNNING #4 micro-batch 4",
                        "FINISHED #4");
        List<AttemptReport> reports =
                Histories.reports(directory, local, cell.cell().id());
        assertThat(reports.get(0).message()).contains("the trainer died of SIGABRT after step");
        assertThat(reports.get(0).detail()).contains("A fatal error has been detected by the Java Runtime Environment");
        assertThat(folder.resolve("sweep").resolve(reports.get(0).log()))
                .content()
                .contains("SIGSEGV")
                .contains("crash-on-demand");
        assertThat(reports.get(1).message()).contains("the trainer was stuck: no word for 15 s");
        for (int i = 1; i < reports.size(); i++) {
            assertThat(reports.get(i).resumedFromStep())
                    .isPositive()
                    .isEqualTo(reports.get(i - 1).step());
        }
        assertEveryStepOnce(directory, local, cell);
    }

    @Test
    void anAllocationBeyondTheCapHalvesWhatIsPassedAtOnceAndChangesNothingElse() throws Exception {
        // Deep and narrow: activations of eight sequences take 60 MB more than those of one.
        Path specification = specification(
                "modelSizes: {layers: 32, width: 128, heads: 4}", "batchSizes: {sequences: 16}", "dataSizes: [1024]");
        SweepDirectory free = SweepDirectory.at(folder.resolve("free").toString(), local);
        SweepDirectory capped = SweepDirectory.at(folder.resolve("capped").toString(), local);
        // The planner lets no cell start that it does not expect to fit, so the host has less than it was told.
        Path java = CrashOnDemand.javaHome(
                folder.resolve("java"),
                "",
                """
                count=$#
                for argument in "$@"; do
                  case "$argument" in
                    -Dorg.bytedeco.javacpp.maxphysicalbytes=*) argument=-Dorg.bytedeco.javacpp.maxphysicalbytes=275m ;;
                  esac
                  set -- "$@" "$argument"
                done
                shift $count
                """);
        Answer unlimited = powersweep("run", specification, "--output", free.root(), "--master", "local[1]");
        assertThat(unlimited.exitCode()).as(unlimited.err()).isZero();
        Answer limited = powersweep(
                "run",
                specification,
                "--output",
                capped.root(),
                "--master",
                "local[1]",
                "--set",
                "resources.memory=2GB",
                "--set",
                "resources.trainerJava=" + java);
        assertThat(limited.exitCode()).as(limited.err()).isZero();
        CellRecord cell = onlyCell(capped, local);
        List<String> history = new ArrayList<>(List.of("PLANNED", "RUNNING #1"));
        int micro = cell.cell().data().batchSequences() / 2;
        for (int attempt = 1; attempt < cell.attempts(); attempt++) {
            micro /= 2;
            history.add("INTERRUPTED #" + attempt + " HOST_MEMORY");
            history.add("RUNNING #" + (attempt + 1) + " micro-batch " + micro);
        }
        history.add("FINISHED #" + cell.attempts());
        assertThat(cell.attempts()).isBetween(2, 4);
        assertThat(Histories.full(capped, local, cell.cell().id())).isEqualTo(history);
        List<StepRow> expected = new ResultTables(free, local).steps();
        List<StepRow> found = new ResultTables(capped, local).steps();
        assertThat(found).hasSameSizeAs(expected).isNotEmpty();
        for (int i = 0; i < expected.size(); i++) {
            assertThat(found.get(i).loss()).isCloseTo(expected.get(i).loss(), within(1e-4));
            double small = expected.get(i).gradientSquareSmall().orElseThrow();
            assertThat(found.get(i).gradientSquareSmall().orElseThrow()).isCloseTo(small, within(1e-2 * small));
        }
    }

    @Test
    void aLearningRateThatBlowsUpIsAResultWithItsStepAndIsNotTriedAgain() throws Exception {
        SweepDirectory directory = SweepDirectory.at(folder.resolve("sweep").toString(), local);
        Answer answer = powersweep(
                "run",
                specification("dataSizes: [100k]"),
                "--output",
                directory.root(),
                "--master",
                "local[1]",
                "--set",
                "training.learningRate=1000000");
        assertThat(answer.exitCode()).as(answer.err()).isZero();
        CellRecord cell = onlyCell(directory, local);
        assertThat(Histories.full(directory, local, cell.cell().id()))
                .containsExactly("PLANNED", "RUNNING #1", "DIVERGED #1");
        AttemptReport report = cell.last().orElseThrow();
        assertThat(report.message()).startsWith("diverged at step " + report.step() + ": ");
        assertThat(report.step()).isPositive().isLessThan(cell.cell().data().steps());
        assertThat(new ResultTables(directory, local).steps()).hasSize((int) report.step());
    }

    /** Fewer steps than the window of divergence: only the end of the run can tell. */
    @Test
    void aRunThatEndsAboveItsBoundIsNoResultToFit() throws Exception {
        SweepDirectory directory = SweepDirectory.at(folder.resolve("sweep").toString(), local);
        Answer answer = powersweep(
                "run",
                specification("dataSizes: [12k]"),
                "--output",
                directory.root(),
                "--master",
                "local[1]",
                "--set",
                "training={learningRate: 8, gradientClip: 0, schedule: constant, warmup: {steps: 2}}",
                "--set",
                "evaluation={timesPerRun: 2, tokens: 2048}");
        assertThat(answer.exitCode()).as(answer.err()).isZero();
        CellRecord cell = onlyCell(directory, local);
        assertThat(cell.cell().data().steps())
                .isLessThan(cell.cell().training().divergence().windowSteps());
        assertThat(Histories.full(directory, local, cell.cell().id()))
                .containsExactly("PLANNED", "RUNNING #1", "DIVERGED #1");
        AttemptReport report = cell.last().orElseThrow();
        assertThat(report.step()).isEqualTo(cell.cell().data().steps());
        assertThat(report.message())
                .matches("diverged at step \\d+: evaluation loss .* at the end of the run: above 6\\.5452 nats/token");
        Answer fit = powersweep("fit", directory.root(), "--law", "chinchilla");
        assertThat(fit.exitCode()).isNotZero();
        assertThat(fit.err()).contains("none of its 1 cells has finished, so there is nothing to fit");
    }

    @Test
    void quotaRightsAndDamagedBlocksAreStorageFailuresAndRerunGoesOnOnceTheyAreMended(Loopback loopback)
            throws Exception {
        // A user of HDFS with no rights of a superuser, as the driver and executors of a local master.
        UserGroupInformation superuser = UserGroupInformation.getLoginUser();
        set("spark.hadoop.dfs.replication", "2");
        set("spark.hadoop.dfs.client.retry.window.base", "100");
        Configuration hdfs = loopback.hdfs().configuration();
        DistributedFileSystem files = loopback.hdfs().files();
        org.apache.hadoop.fs.Path home =
                new org.apache.hadoop.fs.Path(loopback.hdfs().uri() + "/user/alice");
        files.mkdirs(home);
        files.setOwner(home, "alice", "alice");
        SweepDirectory directory = new SweepDirectory(new org.apache.hadoop.fs.Path(home, "sweep"));
        Path specification = specification("dataSizes: [60k, 70k, 80k]");
        UserGroupInformation.setLoginUser(UserGroupInformation.createRemoteUser("alice"));
        try {
            Answer first = powersweep("run", specification, "--output", directory.root(), "--master", "local[1]");
            assertThat(first.exitCode()).as(first.err()).isZero();
            List<CellRecord> cells = StoredResults.records(directory, hdfs);
            StoredResults results = StoredResults.of(directory, hdfs);
            org.apache.hadoop.fs.Path full =
                    directory.checkpoints(cells.get(0).cell().id());
            org.apache.hadoop.fs.Path forbidden =
                    directory.checkpoints(cells.get(1).cell().id());
            files.setQuota(full, HdfsConstants.QUOTA_DONT_SET, 1);
            files.setOwner(forbidden, "root", "root");
            files.setPermission(forbidden, new FsPermission((short) 0755));

            Answer again = rerun(directory, "--cells", "*");
            assertThat(again.exitCode()).isNotZero();
            assertThat(again.err()).contains("2 cells have failed").contains("--failed");
            List<String> history = List.of(
                    "PLANNED",
                    "RUNNING #1",
                    "FINISHED #1",
                    "PLANNED again AFRESH",
                    "RUNNING #2",
                    "INTERRUPTED #2 IO",
                    "RUNNING #3",
                    "INTERRUPTED #3 IO",
                    "RUNNING #4",
                    "FAILED #4 IO");
            for (CellRecord cell : cells.subList(0, 2)) {
                assertThat(Histories.full(directory, hdfs, cell.cell().id())).isEqualTo(history);
            }
            assertThat(message(directory, hdfs, cells.get(0))).contains("quota");
            assertThat(message(directory, hdfs, cells.get(1)))
                    .contains("Permission denied")
                    .contains(forbidden.getName());
            assertThat(Histories.full(directory, hdfs, cells.get(2).cell().id()))
                    .endsWith("PLANNED again AFRESH", "RUNNING #2", "FINISHED #2");

            files.setQuota(full, HdfsConstants.QUOTA_DONT_SET, HdfsConstants.QUOTA_RESET);
            files.setOwner(forbidden, "alice", "alice");
            Answer mended = rerun(directory, "--failed");
            assertThat(mended.exitCode()).as(mended.err()).isZero();
            assertThat(StoredResults.of(directory, hdfs)).isEqualTo(results);
            for (CellRecord cell : cells.subList(0, 2)) {
                assertThat(Histories.full(directory, hdfs, cell.cell().id()))
                        .startsWith(history.toArray(String[]::new))
                        .endsWith("PLANNED again RESUME", "RUNNING #5", "FINISHED #5");
            }

            damagedBlocks(loopback, directory, hdfs, cells.get(0));
            assertThat(StoredResults.of(directory, hdfs)).isEqualTo(results);
        } finally {
            UserGroupInformation.setLoginUser(superuser);
        }
    }

    private void damagedBlocks(Loopback loopback, SweepDirectory directory, Configuration hdfs, CellRecord cell)
            throws Exception {
        String corpus = cell.cell().data().corpusHash();
        Path copy = Path.of(
                System.getProperty("java.io.tmpdir"),
                "powersweep-" + System.getProperty("user.name"),
                "corpus",
                corpus);
        assertThat(copy).isDirectory();
        FileUtil.fullyDelete(copy.toFile());
        org.apache.hadoop.fs.Path tokens = new org.apache.hadoop.fs.Path(directory.corpus(corpus), "train.bin");
        List<Path> blocks = loopback.hdfs().blocksOf(tokens);
        assertThat(blocks).hasSize(loopback.hdfs().dataNodes());
        flipAByte(blocks);

        Answer damaged = rerun(directory, "--cells", cell.name());
        assertThat(damaged.exitCode()).isNotZero();
        assertThat(Histories.full(directory, hdfs, cell.cell().id()))
                .endsWith(
                        "PLANNED again AFRESH",
                        "RUNNING #6",
                        "INTERRUPTED #6 IO",
                        "RUNNING #7",
                        "INTERRUPTED #7 IO",
                        "RUNNING #8",
                        "FAILED #8 IO");
        assertThat(message(directory, hdfs, cell)).contains("train.bin");
        // Nothing damaged stays in the cache of the host.
        assertThat(copy).doesNotExist();

        flipAByte(blocks);
        Answer mended = rerun(directory, "--failed");
        assertThat(mended.exitCode()).as(mended.err()).isZero();
    }

    private static void flipAByte(List<Path> files) throws IOException {
        for (Path file : files) {
            try (RandomAccessFile bytes = new RandomAccessFile(file.toFile(), "rw")) {
                bytes.seek(1000);
                int old = bytes.read();
                bytes.seek(1000);
                bytes.write(old ^ 0xff);
            }
        }
    }

    private static Answer rerun(SweepDirectory directory, String... choice) {
        return powersweep(Stream.concat(
                        Stream.of("rerun", directory.root().toString(), "--master", "local[1]"), Stream.of(choice))
                .toArray());
    }

    private static String message(SweepDirectory directory, Configuration configuration, CellRecord cell)
            throws Exception {
        List<AttemptReport> reports =
                Histories.reports(directory, configuration, cell.cell().id());
        return reports.get(reports.size() - 1).message();
    }

    /** A specification of one shape; lines that begin like a key of the grid go there. */
    private Path specification(String... lines) throws IOException {
        Path text = Texts.write(folder.resolve("text.txt"), folder.hashCode());
        List<String> top = new ArrayList<>(List.of(
                "name: trouble",
                "corpus: {text: \"file://" + text + "\"}",
                "training: {learningRate: 0.003}",
                "evaluation: {tokens: 4096}"));
        Map<String, String> grid = new HashMap<>(Map.of(
                "modelSizes", "  modelSizes: {layers: 2, width: 32, heads: 2}", "batchSizes", "  batchSizes: 512"));
        boolean context = false;
        for (String line : lines) {
            String key = line.substring(0, line.indexOf(':'));
            if (key.endsWith("Sizes")) {
                grid.put(key, "  " + line);
            } else {
                top.add(line);
                context |= key.equals("context");
            }
        }
        if (!context) {
            top.add("context: 32");
        }
        top.add("grid:");
        top.addAll(grid.values());
        return Files.write(folder.resolve("trouble.yaml"), top);
    }

    private static CellRecord onlyCell(SweepDirectory directory, Configuration configuration) {
        List<CellRecord> cells = StoredResults.records(directory, configuration);
        assertThat(cells).hasSize(1);
        return cells.get(0);
    }

    private static void assertEveryStepOnce(SweepDirectory directory, Configuration configuration, CellRecord cell) {
        assertThat(cell.state()).isEqualTo(CellState.FINISHED);
        assertThat(new ResultTables(directory, configuration).steps())
                .extracting(StepRow::step)
                .containsExactlyElementsOf(
                        LongStream.rangeClosed(1, cell.cell().data().steps())
                                .boxed()
                                .toList());
    }

    /** Waits until the sweep has stored rows that it had not when this was called. */
    private void awaitMoreSteps(SweepDirectory directory, CompletableFuture<Answer> run) throws Exception {
        int before = stepFiles(directory);
        await(() -> stepFiles(directory) > before, run);
    }

    private void awaitAttempt(SweepDirectory directory, int attempt, CompletableFuture<Answer> run) throws Exception {
        await(() -> onlyCell(directory, local).attempts() == attempt, run);
    }

    private static void await(java.util.concurrent.Callable<Boolean> condition, CompletableFuture<Answer> run)
            throws Exception {
        long end = System.nanoTime() + (long) (PATIENCE_SECONDS * 1e9);
        while (!condition.call()) {
            assertThat(run).as("the sweep ended early").isNotDone();
            assertThat(System.nanoTime()).as("nothing happened").isLessThan(end);
            TimeUnit.MILLISECONDS.sleep(LoopbackCluster.LOOK_MILLIS);
        }
    }

    private int stepFiles(SweepDirectory directory) {
        return new ResultTables(directory, local).files(Table.STEPS, "").size();
    }

    private static void signal(String name) throws IOException, InterruptedException {
        List<ProcessHandle> trainers = ProcessHandle.current()
                .descendants()
                .filter(process -> LoopbackCluster.commandLine(process).contains(" serve "))
                .toList();
        assertThat(trainers).hasSize(1);
        new ProcessBuilder("kill", "-" + name, Long.toString(trainers.get(0).pid()))
                .start()
                .waitFor();
    }

    private static boolean linuxCountsItsKills() {
        try {
            return Files.readString(Path.of("/proc/vmstat")).contains("\noom_kill ");
        } catch (IOException e) {
            return false;
        }
    }
}
