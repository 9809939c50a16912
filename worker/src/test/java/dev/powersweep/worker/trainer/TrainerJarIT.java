package dev.powersweep.worker.trainer;

import static org.assertj.core.api.Assertions.assertThat;

import dev.powersweep.worker.Cells;
import dev.powersweep.worker.cell.Assignment;
import dev.powersweep.worker.cell.Cell;
import dev.powersweep.worker.cell.CellJson;
import dev.powersweep.worker.cell.Frame;
import dev.powersweep.worker.cell.TrainerCommand;
import dev.powersweep.worker.data.ShardFixture;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.attribute.PosixFilePermissions;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.jar.JarOutputStream;
import java.util.zip.ZipEntry;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** The shaded jar, by nothing but {@code java -jar}. */
class TrainerJarIT {
    private static final Path JAR = Path.of(System.getProperty("trainer.jar"));

    @TempDir
    Path scratch;

    private Path assignment(Cell cell) throws Exception {
        Path shards = scratch.resolve("shard");
        ShardFixture.words(shards, 1, 20_000, 2_000);
        Assignment assignment = new Assignment(
                cell, 1, shards.toString(), scratch.resolve("checkpoints").toString(), Optional.empty(), 0, 0, 0);
        return Files.writeString(scratch.resolve("assignment.json"), CellJson.line(assignment));
    }

    @Test
    void theJarAloneTrainsACellWithTheFastKernels() throws Exception {
        Path file = assignment(Cells.tiny(30, 2, 1000, 0));
        try (TrainerProcess trainer = TrainerProcess.startBare(scratch, JAR, "train", file.toString())) {
            List<Frame> frames = trainer.untilOutcome();
            Frame.Ready ready = (Frame.Ready) frames.get(0);
            // It started itself again as a child that has the Vector API.
            assertThat(ready.pid()).isNotEqualTo(trainer.pid());
            assertThat(ready.kernels()).contains("Vector API");
            assertThat(frames).last().isInstanceOf(Frame.Finished.class);
            assertThat(trainer.exitStatus()).isZero();
        }
    }

    @Test
    void aSignalReachesTheChild() throws Exception {
        Path file = assignment(Cells.tiny(1_000_000, 2, 1000, 0));
        try (TrainerProcess trainer = TrainerProcess.startBare(scratch, JAR, "train", file.toString())) {
            trainer.until(frame -> frame instanceof Frame.Steps);
            trainer.terminate();
            assertThat(trainer.untilOutcome()).last().isInstanceOf(Frame.Interrupted.class);
            assertThat(trainer.exitStatus()).isEqualTo(143);
        }
    }

    /** The released CUDA backend by its name alone, and a driver that tells of the card: nothing else is asked before. */
    @Test
    void aCardThatTheBackendHasNoCodeForEndsTheTrainerBeforeTheBackendIsLoaded() throws Exception {
        Path home = Files.createDirectories(scratch.resolve("home/cuda")).getParent();
        Path jar = Files.copy(JAR, home.resolve("trainer.jar"));
        try (JarOutputStream backend = new JarOutputStream(Files.newOutputStream(home.resolve("cuda/nd4j-cuda.jar")))) {
            backend.putNextEntry(new ZipEntry("META-INF/maven/org.nd4j/nd4j-cuda-11.6/pom.properties"));
            backend.write("version=1.0.0-M2.1\n".getBytes(StandardCharsets.UTF_8));
        }
        Path driver = Files.createDirectory(scratch.resolve("bin")).resolve("nvidia-smi");
        Files.writeString(driver, "#!/bin/sh\necho 'NVIDIA H100 80GB HBM3, 9.0, 550.54.15'\n");
        Files.setPosixFilePermissions(driver, PosixFilePermissions.fromString("rwxr-xr-x"));
        Map<String, String> path = Map.of("PATH", driver.getParent() + ":" + System.getenv("PATH"));
        try (TrainerProcess trainer = TrainerProcess.startBare(scratch, jar, path, "serve", "--backend", "cuda")) {
            assertThat(trainer.exitStatus()).isEqualTo(TrainerCommand.EXIT_UNSUPPORTED_DEVICE);
            assertThat(trainer.rest()).isEmpty();
            assertThat(trainer.log())
                    .contains("NVIDIA H100 80GB HBM3 has compute capability 9.0, but")
                    .contains("resources.gpus: 0");
        }
    }
}
