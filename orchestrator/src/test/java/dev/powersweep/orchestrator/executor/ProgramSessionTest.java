package dev.powersweep.orchestrator.executor;

import static org.assertj.core.api.Assertions.assertThat;

import dev.powersweep.orchestrator.dispatch.AttemptOrder;
import dev.powersweep.orchestrator.dispatch.AttemptReport;
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
import dev.powersweep.worker.cell.CellState;
import dev.powersweep.worker.cell.DataRule;
import dev.powersweep.worker.cell.EvaluationRule;
import dev.powersweep.worker.cell.FailureClass;
import dev.powersweep.worker.cell.Program;
import dev.powersweep.worker.cell.ProgramModel;
import dev.powersweep.worker.cell.Schedule;
import dev.powersweep.worker.cell.TrainingRule;
import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.OptionalInt;
import java.util.OptionalLong;
import java.util.concurrent.atomic.AtomicBoolean;
import java.util.stream.LongStream;
import org.apache.hadoop.conf.Configuration;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.ValueSource;

/** Programs that are not ours, written in a few lines of shell, under the supervisor. */
@Timeout(120)
class ProgramSessionTest {
    private static final RunPolicy POLICY = new RunPolicy(2, 0, 0, 1, 0.05, 0, 30, 3, 0, Optional.empty());
    private static final String SAY = "say() { printf '%s\\n"
            + "' \"$1\" >> \"$POWERSWEEP_FRAMES\"; }\n"
            + "step() { say \"{\\\"frame\\\": \\\"step\\\", \\\"step\\\": $1, \\\"loss\\\": $2}\"; }\n"
            + "steps() { i=$1; while [ $i -le $2 ]; do step $i 4.$((100 - i)); i=$((i + 1)); done; }\n"
            + "evaluation() { say '{\"frame\": \"evaluation\", \"loss\": 3.5}'; }\n"
            + "checkpoint() { say \"{\\\"frame\\\": \\\"checkpoint\\\", \\\"step\\\": $1, \\\"path\\\": \\\"$2\\\"}\";"
            + " }\n";

    @TempDir
    Path folder;

    private final Configuration configuration = new Configuration();
    private SweepDirectory directory;
    private ResultTables tables;

    @BeforeEach
    void open() throws Exception {
        directory = SweepDirectory.at(folder.resolve("sweep").toString(), configuration);
        tables = new ResultTables(directory, configuration);
        Files.createDirectories(folder.resolve("sweep/programs"));
    }

    private Cell cell(String script, long steps, Map<String, String> environment, String... arguments)
            throws IOException {
        byte[] content = ("#!/bin/sh\n" + SAY + script).getBytes(StandardCharsets.UTF_8);
        Path aside = Files.write(folder.resolve("script"), content);
        String hash = Digests.sha256(aside);
        Files.copy(aside, folder.resolve("sweep/programs/" + hash), java.nio.file.StandardCopyOption.REPLACE_EXISTING);
        List<String> command = new ArrayList<>(List.of("./bin/train.sh"));
        command.addAll(List.of(arguments));
        return new Cell(
                new ProgramModel(OptionalLong.empty(), Map.of("depth", "6"), 4, OptionalInt.empty()),
                new DataRule(DataRule.NO_CORPUS, steps, 8, 32 * steps),
                new TrainingRule(
                        1e-3,
                        0,
                        new Schedule.Constant(),
                        0.9,
                        0.95,
                        1e-8,
                        0,
                        0,
                        0,
                        0.02,
                        OptionalInt.empty(),
                        OptionalInt.empty(),
                        TrainingRule.Divergence.DEFAULT),
                new EvaluationRule(4, 64, List.of("validation")),
                0,
                Optional.of(new Program(
                        command,
                        List.of(new Program.File("bin/train.sh", hash, content.length)),
                        environment,
                        Map.of("mood", "a b"),
                        Program.Parameters.REPORTED)));
    }

    private Cell cell(String script, long steps) throws IOException {
        return cell(script, steps, Map.of());
    }

    private AttemptReport attempt(Cell cell, int attempt) throws Exception {
        return attempt(cell, attempt, POLICY, Stopping.NEVER);
    }

    private AttemptReport attempt(Cell cell, int attempt, RunPolicy policy, Stopping stopping) throws Exception {
        CellSupervisor supervisor = new CellSupervisor(new CellSupervisor.Context(
                Storage.of(directory.root(), configuration),
                directory,
                policy,
                0,
                () -> folder.resolve("no.jar"),
                new HostCache(folder.resolve("cache")),
                folder.resolve("scratch"),
                new TrainerPool(folder.resolve("scratch"), Duration.ofSeconds(5)),
                () -> LiveUpdate.Sink.NONE,
                "here",
                "0"));
        return supervisor.run(new AttemptOrder(new GridCell("depth6", cell), attempt, 0, 0, 600), List.of(), stopping);
    }

    private String log(AttemptReport report) throws IOException {
        return Files.readString(folder.resolve("sweep").resolve(report.log()));
    }

    private void assertSteps(Cell cell, long steps) {
        assertThat(tables.steps(cell.id()))
                .extracting(StepRow::step)
                .containsExactlyElementsOf(
                        LongStream.rangeClosed(1, steps).boxed().toList());
    }

    @Test
    void aProgramIsTrainedAndStoredAndItsOutputIsTheLog() throws Exception {
        Cell cell = cell(
                "echo hello; echo trouble >&2; steps 1 12; say '{\"frame\": \"model\", \"parameters\": 1234}';"
                        + " evaluation",
                12);
        AttemptReport report = attempt(cell, 1);
        assertThat(report.message()).isEmpty();
        assertThat(report.state()).isEqualTo(CellState.FINISHED);
        assertSteps(cell, 12);
        assertThat(tables.steps(cell.id())).allSatisfy(row -> {
            assertThat(row.learningRate()).isEmpty();
            assertThat(row.seconds()).isEmpty();
            assertThat(row.tokens()).isEqualTo(32 * row.step());
        });
        assertThat(tables.evals(cell.id())).singleElement().satisfies(row -> {
            assertThat(row.step()).isEqualTo(12);
            assertThat(row.tokensScored()).isEmpty();
        });
        assertThat(report.size().orElseThrow().nonEmbedding()).hasValue(1234);
        assertThat(log(report)).contains("hello").contains("trouble");
        assertThat(folder.resolve("scratch"))
                .satisfies(each -> assertThat(Files.list(each)).isEmpty());
        assertThat(attempt(cell, 2).result()).isPresent();
    }

    /** Whatever ended it: its own status, a frame of its own without a detail, a line that is none, silence. */
    @ParameterizedTest
    @ValueSource(
            strings = {
                "exit 1",
                "exit 0",
                "say '{\"frame\": \"failed\", \"message\": \"no\"}'",
                "say 'no frame'; exit 0",
                "step 2 4",
                "exit 75",
                "sleep 60"
            })
    void theLastWordsOfAProgramInTroubleAreKept(String ending) throws Exception {
        Cell cell = cell("steps 1 2; echo 'Traceback:'; echo 'ValueError: width 65' >&2; sleep 0.2; " + ending, 12);
        RunPolicy policy = new RunPolicy(2, 0, 0, 1, 0.05, 0, 2, 3, 0, Optional.empty());
        AttemptReport report = attempt(cell, 1, policy, Stopping.NEVER);
        assertThat(report.state()).isNotEqualTo(CellState.FINISHED);
        assertThat(report.detail()).as(report.message()).contains("Traceback:\nValueError: width 65");
    }

    @Test
    void argumentsArriveAsTheyWereWritten() throws Exception {
        Cell cell = cell(
                "printf '<%s>' $# \"$@\" \"[$EMPTY]\" \"${EMPTY-unset}\"; steps 1 3; evaluation",
                3, Map.of("EMPTY", ""), "", " x ", "two\nlines", "'\"\\*", "");
        AttemptReport report = attempt(cell, 1);
        assertThat(report.state()).isEqualTo(CellState.FINISHED);
        assertThat(log(report)).isEqualTo("<5><>< x ><two\nlines><'\"\\*><><[]><>");
        assertThat(cell.program().orElseThrow().shown()).startsWith("./bin/train.sh '' ' x ' 'two\nlines'");
    }

    @Test
    void theAssignmentComesAsVariablesArgumentsAndAFile() throws Exception {
        Cell cell = cell(
                "printf '<%s>' \"$@\"; echo; cat \"$POWERSWEEP_ASSIGNMENT\"; env | sort; steps 1 3; evaluation",
                3,
                Map.of("OWN", "${learningRate} $HOME", "PYTHONPATH", "/mine"),
                "--lr=${learningRate}",
                "${mood}; touch /tmp/x",
                "${depth}",
                "${resumeFrom}",
                "$${steps}");
        String log = log(attempt(cell, 1));
        assertThat(log).startsWith("<--lr=0.001><a b; touch /tmp/x><6><><${steps}>\n{\"cell\":{\"model\":");
        assertThat(log)
                .contains("\nPOWERSWEEP_STEPS=3\n")
                .contains("\nPOWERSWEEP_BATCH_SEQUENCES=8\n")
                .contains("\nPOWERSWEEP_CONTEXT=4\n")
                .contains("\nPOWERSWEEP_LEARNING_RATE=0.001\n")
                .contains("\nPOWERSWEEP_MOOD=a b\n")
                .contains("\nPOWERSWEEP_DEPTH=6\n")
                .contains("\nPOWERSWEEP_CELL=" + cell.id() + "\n")
                .contains("\nOWN=0.001 $HOME\n")
                .contains(":/mine\n")
                .contains("\nOMP_NUM_THREADS=2\n")
                .contains("\nCUDA_VISIBLE_DEVICES=\n")
                .containsPattern("\nMASTER_PORT=\\d+\n")
                .doesNotContain("POWERSWEEP_WIDTH")
                .doesNotContain("POWERSWEEP_SHARDS")
                .doesNotContain("POWERSWEEP_RESUME_FROM")
                .doesNotContain("JAVA_HOME");
    }

    @Test
    void aCheckpointIsAnyFileOrFolderAndIsHandedBackUnderItsName() throws Exception {
        Cell cell = cell(
                """
                if [ "$POWERSWEEP_RESUME_STEP" = 0 ]; then
                  steps 1 5; evaluation
                  mkdir "$POWERSWEEP_CHECKPOINTS/five parts" "$POWERSWEEP_CHECKPOINTS/five parts/inner"
                  echo state > "$POWERSWEEP_CHECKPOINTS/five parts/inner/weights"
                  checkpoint 5 "$POWERSWEEP_CHECKPOINTS/five parts"
                  steps 6 8
                  exit 75
                fi
                case "$POWERSWEEP_RESUME_FROM" in */"five parts") ;; *) echo wrong name; exit 1;; esac
                [ "$(cat "$POWERSWEEP_RESUME_FROM/inner/weights")" = state ] || exit 1
                evaluation; steps 6 12; evaluation
                """,
                12);
        AttemptReport first = attempt(cell, 1);
        assertThat(first.state()).isEqualTo(CellState.INTERRUPTED);
        assertThat(first.message()).contains("asked to be tried again (exit status 75) after step 8");
        assertThat(first.step()).isEqualTo(5);
        AttemptReport second = attempt(cell, 2);
        assertThat(second.message()).isEmpty();
        assertThat(second.state()).isEqualTo(CellState.FINISHED);
        assertThat(second.resumedFromStep()).isEqualTo(5);
        assertSteps(cell, 12);
        assertThat(tables.evals(cell.id())).extracting(EvalRow::step).containsExactly(5L, 12L);
    }

    @Test
    void oneThatWasStoppedAtItsLastStepHasOnlyToEnd() throws Exception {
        Cell cell = cell(
                """
                if [ "$POWERSWEEP_RESUME_STEP" = 0 ]; then
                  steps 1 12; evaluation; echo state > "$POWERSWEEP_CHECKPOINTS/a"
                  checkpoint 12 "$POWERSWEEP_CHECKPOINTS/a"; exit 143
                fi
                """,
                12);
        assertThat(attempt(cell, 1).state()).isEqualTo(CellState.INTERRUPTED);
        AttemptReport second = attempt(cell, 2);
        assertThat(second.state()).isEqualTo(CellState.FINISHED);
        assertThat(second.result().orElseThrow().finalEvaluations()).hasSize(1);
        assertSteps(cell, 12);
    }

    @ParameterizedTest
    @CsvSource(
            delimiter = '|',
            value = {
                "exit 1 | PROGRAM | the program ended with exit status 1 after step 2",
                "exit 3 | UNSUPPORTED_DEVICE | the program ended with exit status 3",
                "kill -s SEGV $$ | NATIVE_CRASH | the program died of SIGSEGV",
                "exit 143 | LOST_EXECUTOR | terminated from outside",
                "echo 'torch.OutOfMemoryError: CUDA out of memory'; exit 1 | GPU_MEMORY | exit status 1",
                "echo MemoryError; exit 1 | HOST_MEMORY | exit status 1",
                "exit 0 | PROGRAM | ended at step 2 of 12",
                "say '{\"frame\": \"failed\", \"message\": \"no licence\"}'; exit 0 | PROGRAM | no licence",
                "say 'Epoch 3'; sleep 60 | PROGRAM | the trainer wrote a line that is no frame (line 3: no JSON",
                "say 'Epoch 3'; steps 3 12; evaluation | PROGRAM | wrote a line that is no frame (line 3: no JSON",
                "say 'Epoch 3'; steps 3 12; evaluation; say '{\"frame\": \"finished\"}' | PROGRAM | is no frame (line"
                        + " 3: no JSON",
                "step 2 4 | PROGRAM | reported step 2 after step 2",
                "echo s > $POWERSWEEP_CHECKPOINTS/a; checkpoint 9 $POWERSWEEP_CHECKPOINTS/a; exit 75 | PROGRAM | named the"
                        + " checkpoint of step 9 after step 2: the steps that it has done are reported before",
                "mkdir $POWERSWEEP_CHECKPOINTS/l; ln -s . $POWERSWEEP_CHECKPOINTS/l/self; checkpoint 2"
                        + " $POWERSWEEP_CHECKPOINTS/l; sleep 60 | PROGRAM | leads back to a folder that it lies in",
                "mkdir $POWERSWEEP_CHECKPOINTS/l; ln -s /no/where $POWERSWEEP_CHECKPOINTS/l/dead; checkpoint 2"
                        + " $POWERSWEEP_CHECKPOINTS/l; sleep 60 | PROGRAM | leads to nothing",
                "mkdir $POWERSWEEP_CHECKPOINTS/l; mkfifo $POWERSWEEP_CHECKPOINTS/l/pipe; checkpoint 2"
                        + " $POWERSWEEP_CHECKPOINTS/l; sleep 60 | PROGRAM | is neither a file nor a folder",
                "sleep 1; : > $POWERSWEEP_FRAMES; sleep 60 | PROGRAM | no longer holds what was read of it",
                "sleep 1; : > $POWERSWEEP_FRAMES; steps 4 12; sleep 60 | PROGRAM | no longer holds what was read of it",
                "sleep 1; rm $POWERSWEEP_FRAMES; sleep 60 | PROGRAM | (POWERSWEEP_FRAMES) was removed",
                "sleep 1; cp $POWERSWEEP_FRAMES other; mv other $POWERSWEEP_FRAMES; steps 3 12; sleep 60 | PROGRAM | (POWERSWEEP_FRAMES) is another file now",
                "checkpoint 2 /no/such/file; sleep 60 | PROGRAM | named the checkpoint /no/such/file of step 2, which"
                        + " is not there"
            })
    void everyEndHasItsClass(String ending, FailureClass failure, String message) throws Exception {
        AttemptReport report = attempt(cell("steps 1 2; " + ending, 12), 1);
        assertThat(report.failure()).contains(failure);
        assertThat(report.message()).contains(message);
    }

    @Test
    void anExplicitEndCountsMoreThanTheStatus() throws Exception {
        Cell cell = cell("steps 1 12; evaluation; say '{\"frame\": \"finished\"}'; exit 1", 12);
        assertThat(attempt(cell, 1).state()).isEqualTo(CellState.FINISHED);
        AttemptReport diverged =
                attempt(cell("steps 1 2; say '{\"frame\": \"step\", \"step\": 3, \"loss\": NaN}'; sleep 60", 12), 1);
        assertThat(diverged.state()).isEqualTo(CellState.DIVERGED);
    }

    @Test
    void aProgramThatIsNotThereIsSaid() throws Exception {
        Cell cell = cell("", 12);
        Program program = cell.program().orElseThrow();
        Cell missing = new Cell(
                cell.model(),
                cell.data(),
                cell.training(),
                cell.evaluation(),
                0,
                Optional.of(
                        new Program(List.of("no-such-program"), List.of(), Map.of(), Map.of(), program.parameters())));
        AttemptReport report = attempt(missing, 1);
        assertThat(report.failure()).contains(FailureClass.PROGRAM);
        assertThat(report.message()).contains("host here").contains("no-such-program is not there");
    }

    @Test
    void nothingOfAProgramOutlivesItsAttempt() throws Exception {
        Path pids = folder.resolve("pids");
        // As torchrun does: a worker in a session of its own, which hears nothing of signals to the group.
        Cell cell = cell(
                "trap '' TERM; setsid sh -c 'trap \"\" TERM; echo $$ >> \"$0\"; sleep 1000' " + pids + " & echo $$ >> "
                        + pids + "; steps 1 2; sleep 1000",
                12);
        AtomicBoolean stop = new AtomicBoolean();
        Thread stopper = new Thread(() -> {
            try {
                while (!Files.exists(pids) || Files.readAllLines(pids).size() < 2) {
                    Thread.sleep(20);
                }
            } catch (IOException | InterruptedException e) {
                throw new IllegalStateException(e);
            }
            stop.set(true);
        });
        stopper.start();
        long began = System.nanoTime();
        AttemptReport report = attempt(cell, 1, POLICY, stop::get);
        assertThat(report.state()).isEqualTo(CellState.INTERRUPTED);
        assertThat(report.message()).contains("did not stop in time");
        // The grace, and not much more.
        assertThat(Duration.ofNanos(System.nanoTime() - began)).isLessThan(Duration.ofSeconds(60));
        for (String pid : Files.readAllLines(pids)) {
            assertThat(lives(pid)).as(pid).isFalse();
        }
    }

    /** A zombie has ended; when it is waited for is its parent's affair. */
    private static boolean lives(String pid) throws IOException {
        Path stat = Path.of("/proc", pid, "stat");
        return Files.exists(stat) && !Files.readString(stat).matches("(?s).*\\) Z .*");
    }

    @Test
    void aProgramThatIsAskedToStopMayWriteItsCheckpoint() throws Exception {
        Path begun = folder.resolve("begun");
        Cell cell = cell(
                """
                trap 'echo s > "$POWERSWEEP_CHECKPOINTS/x"; checkpoint $i "$POWERSWEEP_CHECKPOINTS/x"; exit 143' TERM
                i=$POWERSWEEP_RESUME_STEP
                while [ $i -lt 400 ]; do i=$((i + 1)); step $i 4.5; [ $i = 3 ] && touch BEGUN; sleep 0.01; done
                evaluation
                """
                        .replace("BEGUN", begun.toString()),
                400);
        AttemptReport first = attempt(cell, 1, POLICY, () -> Files.exists(begun));
        assertThat(first.state()).isEqualTo(CellState.INTERRUPTED);
        assertThat(first.step()).isGreaterThanOrEqualTo(3);
        AttemptReport second = attempt(cell, 2);
        assertThat(second.state()).isEqualTo(CellState.FINISHED);
        assertThat(second.resumedFromStep()).isEqualTo(first.step());
        assertSteps(cell, 400);
    }

    @Test
    void tenThousandStepsASecondAreTakenInAtTheirPace() throws Exception {
        Cell cell = cell(
                "awk 'BEGIN { for (i = 1; i <= 100000; i++) printf \"{\\\"frame\\\": \\\"step\\\", \\\"step\\\": %d,"
                        + " \\\"loss\\\": 4.25}\\n\", i }' >> \"$POWERSWEEP_FRAMES\"; evaluation",
                100_000);
        long began = System.nanoTime();
        AttemptReport report = attempt(cell, 1);
        double seconds = (System.nanoTime() - began) / 1e9;
        assertThat(report.state()).isEqualTo(CellState.FINISHED);
        assertThat(tables.steps(cell.id())).hasSize(100_000);
        // Ten seconds of such a program, with its start and all rows stored; half of it on a quiet machine.
        assertThat(seconds).isLessThan(30);
    }

    @Test
    void aPackageThatNamesAPathOutsideOfItselfIsRefused() throws Exception {
        Path archive = folder.resolve("evil.ckpt");
        try (java.util.zip.ZipOutputStream zip = new java.util.zip.ZipOutputStream(Files.newOutputStream(archive))) {
            zip.putNextEntry(new java.util.zip.ZipEntry("checkpoint/../../../escaped"));
            zip.write(1);
            zip.closeEntry();
        }
        org.assertj.core.api.Assertions.assertThatThrownBy(
                        () -> CheckpointPackage.unpack(archive, folder.resolve("in/side")))
                .isInstanceOf(IOException.class)
                .hasMessageContaining("outside of itself");
        assertThat(folder.resolve("escaped")).doesNotExist();
    }
}
