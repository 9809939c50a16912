package dev.powersweep.orchestrator.end2end;

import static dev.powersweep.orchestrator.cli.InProcess.powersweep;
import static org.assertj.core.api.Assertions.assertThat;

import dev.powersweep.orchestrator.cli.InProcess.Answer;
import dev.powersweep.orchestrator.dispatch.CellRecord;
import dev.powersweep.orchestrator.driver.Histories;
import dev.powersweep.orchestrator.storage.SweepDirectory;
import dev.powersweep.orchestrator.tables.ResultTables;
import dev.powersweep.orchestrator.tables.StepRow;
import dev.powersweep.orchestrator.tables.Table;
import dev.powersweep.worker.cell.CellState;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.LocalTime;
import java.util.ArrayList;
import java.util.Collections;
import java.util.EnumMap;
import java.util.EnumSet;
import java.util.List;
import java.util.Map;
import java.util.Random;
import java.util.Set;
import java.util.concurrent.TimeUnit;
import java.util.stream.Collectors;
import java.util.stream.LongStream;
import org.apache.hadoop.conf.Configuration;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.TestInstance;
import org.junit.jupiter.api.extension.ExtendWith;

/**
 * Sweeps on a real cluster and a real HDFS while processes are killed by SIGKILL at moments that a seed decides.
 *
 * <p>One round by default; {@code -Dchaos.rounds=20} makes the long form, whose every round has a sweep of its own and
 * moments of its own. CONTRIBUTING.md has the whole command.
 */
@ExtendWith(Loopback.Shared.class)
@TestInstance(TestInstance.Lifecycle.PER_CLASS)
class ChaosIT {
    private static final int ROUNDS = Integer.getInteger("chaos.rounds", 1);
    private static final long SEED = Long.getLong("test.seed", 1);
    private static final double LONGEST_WAIT_FOR_A_VICTIM_SECONDS = 300;

    /** What is killed. */
    private enum Victim {
        TRAINER,
        EXECUTOR,
        WORKER,
        DATA_NODE,
        DRIVER,
        /** Once more: trainers do the most and die the most. */
        TRAINER_AGAIN
    }

    /** A sweep that is fired at. */
    private enum Target {
        /** Of PowerSweep's own trainer. */
        OWN(8, EnumSet.allOf(Victim.class)),
        /** Of a program in shell and awk that keeps the contract of docs/any-trainer.md. */
        PROGRAM(6, EnumSet.of(Victim.TRAINER, Victim.TRAINER_AGAIN, Victim.EXECUTOR, Victim.DRIVER));

        private final int cells;
        private final Set<Victim> victims;

        Target(int cells, Set<Victim> victims) {
            this.cells = cells;
            this.victims = victims;
        }
    }

    private final Map<Victim, Integer> killed = new EnumMap<>(Victim.class);
    private Loopback loopback;
    private Configuration configuration;

    /** What is submitted: a specification and what overrides it. */
    private List<Object> submitted = List.of();

    private Target target = Target.OWN;
    private StoredResults undisturbed;
    private double undisturbedSeconds;

    @BeforeAll
    void share(Loopback shared) {
        loopback = shared;
        configuration = loopback.hdfs().configuration();
    }

    private List<Object> own() throws IOException {
        Path specification = loopback.folder().resolve("chaos.yaml");
        Path text = Texts.write(loopback.folder().resolve("chaos.txt"), 1);
        Files.writeString(
                specification,
                """
                name: chaos
                corpus: {text: "file://%s"}
                context: 32
                grid:
                  modelSizes:
                    - {layers: 1, width: 32, heads: 2}
                    - {layers: 2, width: 32, heads: 2}
                  dataSizes: [150k, 300k]
                  batchSizes: [512, 1024]
                training: {learningRate: 0.003}
                run: {checkpointSeconds: 0.5, reportSeconds: 0.2}
                """
                        .formatted(text));
        return List.of(specification);
    }

    /** Slow enough that cells are hit in their middle. */
    private static List<Object> program() {
        return List.of(
                PowerSweepProcess.ROOT.resolve("examples/any-trainer/shell/sweep.yaml"),
                "--set",
                "grid.dataSizes=[3200, 6400]",
                "--set",
                "trainer.environment={PAUSE: \"0.6\"}");
    }

    private void runUndisturbed() throws Exception {
        SweepDirectory directory = SweepDirectory.at(
                loopback.folder().resolve("undisturbed-" + target).toUri().toString(), new Configuration());
        long begun = System.nanoTime();
        Answer answer = powersweep(command(directory, "--master", "local[2]"));
        undisturbedSeconds = (System.nanoTime() - begun) / 1e9;
        assertThat(answer.exitCode()).as(answer.err()).isZero();
        undisturbed = StoredResults.of(directory, new Configuration());
        assertThat(undisturbed.cells()).hasSize(target.cells);
    }

    private Object[] command(SweepDirectory directory, Object... more) {
        List<Object> all = new ArrayList<>(List.of("run"));
        all.addAll(submitted);
        all.addAll(List.of("--output", directory.root()));
        all.addAll(List.of(more));
        return all.toArray();
    }

    @Test
    void whateverIsKilledTheTablesAreThoseOfTheUndisturbedSweep() throws Exception {
        target = Target.OWN;
        submitted = own();
        fire();
    }

    /** In every build {@link AnyTrainerIT} kills such a sweep's driver; this needs five rounds for twenty kills. */
    @Test
    @Tag("nightly")
    void whateverIsKilledOfAProgramsSweepItsTablesAreThoseOfTheUndisturbedOne() throws Exception {
        target = Target.PROGRAM;
        submitted = program();
        fire();
    }

    private void fire() throws Exception {
        killed.clear();
        runUndisturbed();
        for (int round = 1; round <= ROUNDS; round++) {
            SweepDirectory directory = directory(target + "-" + round);
            Random random = new Random(SEED * 1_000_003 + round);
            List<String> diary = new ArrayList<>();
            long begun = System.nanoTime();
            String what = target + ", round " + round + " of seed " + SEED;
            try {
                String log = runAndKill(directory, random, diary);
                assertWhole(directory, what + "\n" + String.join("\n", diary) + "\n" + log);
                assertNothingIsLeftToTrain(directory);
            } catch (Exception | AssertionError e) {
                throw new AssertionError(
                        what + " failed after " + String.join("; ", diary) + "\n" + histories(directory), e);
            }
            System.out.printf(
                    "%s: %s; %.0f s; attempts %s%n",
                    what,
                    String.join("; ", diary),
                    (System.nanoTime() - begun) / 1e9,
                    StoredResults.attempts(directory, configuration));
        }
        assertThat(killed.keySet()).isEqualTo(target.victims);
    }

    /** Submits until the sweep is done, and gives the last driver's log. */
    private String runAndKill(SweepDirectory directory, Random random, List<String> diary) throws Exception {
        List<Victim> order = new ArrayList<>(target.victims);
        Collections.shuffle(order, random);
        double[] moments = random.doubles(order.size(), 0, 0.6 * undisturbedSeconds)
                .sorted()
                .toArray();
        Daemon driver = submit(directory);
        try {
            LoopbackCluster.await(this::trainers, LONGEST_WAIT_FOR_A_VICTIM_SECONDS, driver);
            double now = 0;
            for (int i = 0; i < order.size(); i++) {
                sleep(moments[i] - now);
                now = moments[i];
                if (!driver.alive()) {
                    diary.add(order.get(i) + " came too late");
                    continue;
                }
                diary.add(LocalTime.now().truncatedTo(java.time.temporal.ChronoUnit.MILLIS) + " " + order.get(i));
                if (order.get(i) == Victim.DRIVER) {
                    driver.close();
                    sleep(2 * random.nextDouble());
                    driver = submit(directory);
                    count(Victim.DRIVER);
                } else {
                    kill(order.get(i), random, driver);
                }
            }
            assertThat(exit(driver)).as(driver.log()).isZero();
            return driver.log();
        } finally {
            driver.close();
            loopback.hdfs().awaitDataNodes();
            // Other tests count on all of them.
            loopback.cluster().awaitWorkers();
        }
    }

    private void kill(Victim victim, Random random, Daemon driver) throws Exception {
        switch (victim) {
            case TRAINER, TRAINER_AGAIN -> {
                List<ProcessHandle> trainers =
                        LoopbackCluster.await(this::trainers, LONGEST_WAIT_FOR_A_VICTIM_SECONDS, driver);
                if (!trainers.isEmpty()) {
                    trainers.get(random.nextInt(trainers.size())).destroyForcibly();
                    count(victim);
                }
            }
            case EXECUTOR -> {
                List<ProcessHandle> executors = LoopbackCluster.await(
                        () -> loopback.cluster().executors(), LONGEST_WAIT_FOR_A_VICTIM_SECONDS, driver);
                if (!executors.isEmpty()) {
                    executors.get(random.nextInt(executors.size())).destroyForcibly();
                    count(victim);
                }
            }
            case WORKER -> {
                int number = random.nextInt(loopback.cluster().workers());
                loopback.cluster().killWorker(number);
                sleep(2 * random.nextDouble());
                loopback.cluster().restartWorker(number);
                count(victim);
            }
            case DATA_NODE -> {
                int number = random.nextInt(loopback.hdfs().dataNodes());
                loopback.hdfs().killDataNode(number);
                sleep(3 * random.nextDouble());
                loopback.hdfs().restartDataNode(number);
                count(victim);
            }
            case DRIVER -> throw new IllegalArgumentException(victim.name());
        }
    }

    private void assertWhole(SweepDirectory directory, String what) throws IOException {
        List<CellRecord> cells = StoredResults.records(directory, configuration);
        assertThat(cells).as(what).extracting(CellRecord::state).containsOnly(CellState.FINISHED);
        Map<String, List<StepRow>> steps = new ResultTables(directory, configuration)
                .steps().stream().collect(Collectors.groupingBy(StepRow::cell));
        for (CellRecord cell : cells) {
            List<StepRow> rows = steps.get(cell.cell().id());
            assertThat(rows)
                    .as(what)
                    .extracting(StepRow::step)
                    .containsExactlyElementsOf(
                            LongStream.rangeClosed(1, cell.cell().data().steps())
                                    .boxed()
                                    .toList());
            assertThat(rows).as(what).extracting(StepRow::attempt).isSorted();
        }
        StoredResults results = StoredResults.of(directory, configuration);
        assertThat(results.steps()).as(what).isEqualTo(undisturbed.steps());
        assertThat(results.evals()).as(what).isEqualTo(undisturbed.evals());
        assertThat(results.cells()).as(what).isEqualTo(undisturbed.cells());
    }

    private void assertNothingIsLeftToTrain(SweepDirectory directory) throws Exception {
        String attempts = StoredResults.attempts(directory, configuration);
        List<String> files = stepFiles(directory);
        Answer answer = powersweep(command(directory, "--master", "local[1]"));
        assertThat(answer.exitCode()).as(answer.err()).isZero();
        assertThat(answer.err()).contains("nothing to train");
        assertThat(StoredResults.attempts(directory, configuration)).isEqualTo(attempts);
        assertThat(stepFiles(directory)).isEqualTo(files);
    }

    private List<String> stepFiles(SweepDirectory directory) {
        return new ResultTables(directory, configuration)
                .files(Table.STEPS, "").stream()
                        .map(file -> file.name() + " " + file.modifiedMillis())
                        .toList();
    }

    private String histories(SweepDirectory directory) throws Exception {
        StringBuilder text = new StringBuilder();
        for (CellRecord cell : StoredResults.records(directory, configuration)) {
            text.append(cell.name())
                    .append(": ")
                    .append(Histories.of(directory, configuration, cell.cell().id()))
                    .append(cell.last().map(last -> " " + last.message()).orElse(""))
                    .append('\n');
        }
        return text.toString();
    }

    private Daemon submit(SweepDirectory directory) throws IOException {
        return loopback.submit(Loopback.Options.NONE, command(directory));
    }

    /** Trainers of executors that live, whoever wrote them. */
    private List<ProcessHandle> trainers() {
        return target == Target.OWN
                ? loopback.cluster().trainers()
                : loopback.cluster().executors().stream()
                        .flatMap(ProcessHandle::children)
                        .filter(process -> LoopbackCluster.commandLine(process).startsWith("awk -v n="))
                        .toList();
    }

    private SweepDirectory directory(String name) {
        return SweepDirectory.at(loopback.hdfs().uri() + "/chaos/" + name, configuration);
    }

    private void count(Victim victim) {
        killed.merge(victim, 1, Integer::sum);
    }

    private static int exit(Daemon driver) throws InterruptedException {
        return driver.awaitEnd(1200);
    }

    private static void sleep(double seconds) throws InterruptedException {
        TimeUnit.MILLISECONDS.sleep(Math.max(0, Math.round(1000 * seconds)));
    }
}
