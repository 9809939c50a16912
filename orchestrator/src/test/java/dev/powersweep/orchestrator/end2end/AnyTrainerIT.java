package dev.powersweep.orchestrator.end2end;

import static dev.powersweep.orchestrator.end2end.PowerSweepProcess.ROOT;
import static dev.powersweep.orchestrator.end2end.PowerSweepProcess.powersweep;
import static org.assertj.core.api.Assertions.assertThat;
import static org.junit.jupiter.api.Assumptions.assumeTrue;

import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.Map;
import java.util.concurrent.TimeUnit;
import java.util.stream.Stream;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** The examples of docs/any-trainer.md as a user runs them. */
class AnyTrainerIT {
    private static final Path EXAMPLES = ROOT.resolve("examples/any-trainer");
    private static final Path SHELL = EXAMPLES.resolve("shell/sweep.yaml");

    @TempDir
    private Path folder;

    @Test
    void theShellExampleSurvivesItsDriverAndEndsOnACluster() throws Exception {
        Path sweep = folder.resolve("shell");
        // Slow enough that the driver dies in the middle of a cell that has a checkpoint.
        List<String> slow = List.of("--set", "grid.dataSizes=[3200]", "--set", "trainer.environment={PAUSE: \"1\"}");
        Daemon driver = Daemon.start(
                "driver",
                folder.resolve("driver.log"),
                Map.of(),
                Stream.of(
                                Stream.of(
                                        ROOT.resolve("bin/powersweep").toString(),
                                        "run",
                                        SHELL.toString(),
                                        "--output",
                                        sweep.toString(),
                                        "--master",
                                        "local[1]"),
                                slow.stream())
                        .flatMap(each -> each)
                        .toList());
        try {
            List<ProcessHandle> programs =
                    LoopbackCluster.await(() -> checkpointed(sweep) ? programs() : List.of(), 120, driver);
            driver.kill();
            long end = System.nanoTime() + TimeUnit.SECONDS.toNanos(20);
            while (programs.stream().anyMatch(AnyTrainerIT::lives) && System.nanoTime() < end) {
                Thread.sleep(100);
            }
            assertThat(programs).noneMatch(AnyTrainerIT::lives);
        } finally {
            driver.close();
        }
        assertThat(powersweep("rerun", sweep, "--master", "local[1]").err())
                .contains("asks to run programs", "./train.sh, with train.sh (SHA-256 ", "give --trust");
        try (LoopbackCluster cluster = LoopbackCluster.start(folder.resolve("cluster"), 1, Map.of())) {
            Stream<Object> submit = Stream.of("run", SHELL, "--output", sweep, "--master", cluster.url());
            powersweep(Stream.concat(submit, slow.stream()).toArray()).orFail();
        }
        assertThat(rows(sweep, "select count(*) from cells where state = 'FINISHED' and validation_loss > 0"))
                .isEqualTo("3");
        assertThat(rows(sweep, "select count(*), count(distinct cell || '/' || step), min(step), max(step) from steps"))
                .isEqualTo("600,600,1,200");
        assertThat(rows(sweep, "select count(learning_rate), count(gradient_norm), count(seconds) from steps"))
                .isEqualTo("600,0,0");
        assertThat(rows(sweep, "select sum(non_embedding_parameters), count(width) from cells"))
                .isEqualTo("14,0");
        assertThat(rows(sweep, "select count(*) > 0 from steps where attempt > 1 and step > 50"))
                .isEqualTo("true");
        // The state machine has taken nothing from another lineage: the numbers do not depend on where a run went on.
        assertThat(
                        rows(
                                sweep,
                                "select count(*) from steps a join steps b on a.cell = b.cell and a.step = b.step and a.loss <> b.loss"))
                .isEqualTo("0");
    }

    @Test
    @Tag("nightly")
    void theNumpyExample() throws Exception {
        assumeTrue(has("numpy"), "python3 has no NumPy here, so its example is not run");
        Path sweep = folder.resolve("numpy");
        powersweep(
                        "run",
                        EXAMPLES.resolve("numpy/sweep.yaml"),
                        "--set",
                        "grid.dataSizes=[20k]",
                        "--output",
                        sweep,
                        "--master",
                        "local[1]")
                .orFail();
        assertThat(rows(sweep, "select count(*) from cells where state = 'FINISHED' and validation_loss < 5"))
                .isEqualTo("2");
        assertThat(rows(sweep, "select count(distinct gradient_norm) > 100 from steps"))
                .isEqualTo("true");
    }

    @Test
    @Tag("nightly")
    void thePyTorchExample() throws Exception {
        assumeTrue(has("torch, numpy"), "python3 has no PyTorch here, so its example is not run");
        Path sweep = folder.resolve("torch");
        powersweep(
                        "run",
                        EXAMPLES.resolve("pytorch/sweep.yaml"),
                        "--set",
                        "grid.dataSizes=[25k]",
                        "--set",
                        "grid.modelSizes=[{layers: 2, width: 16}, {layers: 2, width: 32}]",
                        "--output",
                        sweep,
                        "--master",
                        "local[1]")
                .orFail();
        assertThat(rows(sweep, "select count(*) from cells where state = 'FINISHED' and validation_loss < 5"))
                .isEqualTo("2");
        assertThat(rows(sweep, "select min(non_embedding_parameters), max(width) from cells"))
                .isEqualTo("6144,32");
    }

    private static boolean has(String modules) throws IOException, InterruptedException {
        try {
            return new ProcessBuilder("python3", "-c", "import " + modules)
                            .redirectErrorStream(true)
                            .redirectOutput(ProcessBuilder.Redirect.DISCARD)
                            .start()
                            .waitFor()
                    == 0;
        } catch (IOException e) {
            return false;
        }
    }

    private static boolean checkpointed(Path sweep) {
        try (Stream<Path> files = Files.walk(sweep.resolve("checkpoints"))) {
            return files.anyMatch(file -> file.getFileName().toString().endsWith(".ckpt"));
        } catch (IOException | java.io.UncheckedIOException e) {
            return false;
        }
    }

    /** Programs that train cells on this machine. */
    private static List<ProcessHandle> programs() {
        return ProcessHandle.allProcesses()
                .filter(each -> environment(each).contains("POWERSWEEP_FEATURES="))
                .filter(AnyTrainerIT::lives)
                .toList();
    }

    private static boolean lives(ProcessHandle process) {
        try {
            String stat = Files.readString(Path.of("/proc", Long.toString(process.pid()), "stat"));
            return !stat.substring(stat.lastIndexOf(')')).startsWith(") Z");
        } catch (IOException e) {
            return false;
        }
    }

    private static String environment(ProcessHandle process) {
        try {
            return Files.readString(
                    Path.of("/proc", Long.toString(process.pid()), "environ"), StandardCharsets.ISO_8859_1);
        } catch (IOException e) {
            return "";
        }
    }

    private static String rows(Path sweep, String sql) {
        return powersweep("query", sweep, sql, "--format", "csv")
                .orFail()
                .out()
                .lines()
                .skip(1)
                .findFirst()
                .orElse("");
    }
}
