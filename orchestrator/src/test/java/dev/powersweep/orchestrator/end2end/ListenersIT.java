package dev.powersweep.orchestrator.end2end;

import static dev.powersweep.orchestrator.end2end.PowerSweepProcess.ROOT;
import static dev.powersweep.orchestrator.end2end.PowerSweepProcess.powersweep;
import static org.assertj.core.api.Assertions.assertThat;

import dev.powersweep.orchestrator.end2end.PowerSweepProcess.Result;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.jar.JarOutputStream;
import java.util.stream.Stream;
import java.util.zip.ZipEntry;
import javax.tools.ToolProvider;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** Training listeners of a user's own jar, on the cells of a sweep over a cluster's processes. */
@Tag("nightly")
class ListenersIT {
    @TempDir
    private Path folder;

    @Test
    void seeEveryStepAndFailTheirCellsByName() throws Exception {
        Path seen = Files.createDirectories(folder.resolve("seen"));
        Path jar = jar(
                """
                package com.example;

                import dev.powersweep.worker.cell.Cell;
                import java.nio.file.*;
                import org.deeplearning4j.nn.api.Model;
                import org.deeplearning4j.optimize.api.BaseTrainingListener;

                public class Watch extends BaseTrainingListener {
                    private final Cell cell;

                    public Watch(Cell cell) {
                        this.cell = cell;
                    }

                    @Override
                    public void iterationDone(Model model, int iteration, int epoch) {
                        if (cell.seed() == 1 && iteration == 4) {
                            throw new IllegalStateException("seen enough");
                        }
                        try {
                            Files.writeString(
                                    Path.of("SEEN", cell.id()),
                                    (iteration + 1) + " " + model.score() + "\\n",
                                    StandardOpenOption.CREATE,
                                    StandardOpenOption.APPEND);
                        } catch (java.io.IOException e) {
                            throw new java.io.UncheckedIOException(e);
                        }
                    }
                }
                """
                        .replace("SEEN", seen.toString()));
        Path specification = Files.writeString(
                folder.resolve("sweep.yaml"),
                """
                context: 32
                grid: {modelSizes: [5k], dataSizes: [20k], seeds: [0, 1]}
                run: {listeners: {classes: [com.example.Watch], files: JAR}, probeSeconds: 0}
                """
                        .replace("JAR", jar.getFileName().toString()));
        Path sweep = folder.resolve("sweep");
        try (LoopbackCluster cluster = LoopbackCluster.start(folder.resolve("cluster"), 1, Map.of())) {
            Result run = powersweep("run", specification, "--output", sweep, "--master", cluster.url());
            assertThat(run.exitCode()).isNotZero();
        }
        assertThat(rows(sweep, "select state, failure_class, message from cells where seed = 1"))
                .contains(
                        "FAILED,PROGRAM,",
                        "the training listener com.example.Watch threw"
                                + " java.lang.IllegalStateException: seen enough");
        String id = rows(sweep, "select cell from cells where state = 'FINISHED'");
        List<String> steps = rows(
                        sweep, "select step || ' ' || loss from steps where cell = '" + id + "' order by step")
                .lines()
                .toList();
        assertThat(Files.readAllLines(seen.resolve(id))).hasSizeGreaterThan(30).isEqualTo(steps);

        assertThat(powersweep("rerun", sweep, "--failed", "--master", "local[1]")
                        .err())
                .contains(
                        "asks to let training listeners see every step",
                        "com.example.Watch, of listeners.jar (SHA-256 ")
                .contains("give --trust");
    }

    private Path jar(String source) throws IOException {
        Path classes = Files.createDirectories(folder.resolve("classes"));
        Path file = Files.writeString(folder.resolve("Watch.java"), source);
        Path trainer = ROOT.resolve("orchestrator/target/classes/trainer/powersweep-trainer.jar");
        int status = ToolProvider.getSystemJavaCompiler()
                .run(
                        null,
                        null,
                        null,
                        "-proc:none",
                        "-cp",
                        trainer.toString(),
                        "-d",
                        classes.toString(),
                        file.toString());
        assertThat(status).isZero();
        Path jar = folder.resolve("listeners.jar");
        List<Path> all = new ArrayList<>();
        try (Stream<Path> found = Files.walk(classes)) {
            found.filter(Files::isRegularFile).forEach(all::add);
        }
        try (JarOutputStream out = new JarOutputStream(Files.newOutputStream(jar))) {
            for (Path each : all) {
                out.putNextEntry(new ZipEntry(classes.relativize(each).toString()));
                Files.copy(each, out);
            }
        }
        return jar;
    }

    private static String rows(Path sweep, String sql) {
        return powersweep("query", sweep, sql, "--format", "csv")
                .orFail()
                .out()
                .lines()
                .skip(1)
                .reduce((first, second) -> first + "\n" + second)
                .orElse("");
    }
}
