package dev.powersweep.worker.cell;

import static org.assertj.core.api.Assertions.assertThat;

import dev.powersweep.worker.cell.TrainerCommand.Resources;
import java.nio.file.Path;
import java.util.List;
import java.util.Optional;
import org.junit.jupiter.api.Test;

class TrainerCommandTest {
    private static final String WIDE =
            "processor : 0\nflags\t\t: fpu fma avx2 avx512f avx512dq avx512cd avx512bw avx512vl fpu\n";
    private static final String NARROW = "processor : 0\nflags\t\t: fpu fma avx2\n";

    @Test
    void wideKernelsAreAskedForOnlyWhereTheProcessorHasTheInstructions() {
        assertThat(TrainerCommand.of(Resources.threads(1), WIDE).environment())
                .containsEntry("OPENBLAS_CORETYPE", "SKYLAKEX")
                .containsEntry("OMP_NUM_THREADS", "1");
        assertThat(TrainerCommand.of(Resources.threads(2), NARROW).environment())
                .doesNotContainKey("OPENBLAS_CORETYPE")
                .containsEntry("OMP_NUM_THREADS", "2");
        assertThat(TrainerCommand.of(Resources.threads(1), "").environment()).doesNotContainKey("OPENBLAS_CORETYPE");
    }

    @Test
    void everyZoneSeesTheSameTimesOfUnpackedLibraries() {
        assertThat(TrainerCommand.of(Resources.threads(1), WIDE).jvmOptions()).contains("-Duser.timezone=UTC");
    }

    @Test
    void memoryCacheAndDevicesReachTheCommand() {
        TrainerCommand command = TrainerCommand.of(
                new Resources(1, 1L << 30, Optional.of(Path.of("/scratch/slot 1")), Optional.of(List.of("2", "5"))),
                WIDE);
        assertThat(command.jvmOptions())
                .contains(
                        "-Dorg.bytedeco.javacpp.maxbytes=1073741824",
                        "-Dorg.bytedeco.javacpp.maxphysicalbytes="
                                + ((1L << 30) + TrainerCommand.HEAP_BYTES + TrainerCommand.PROCESS_BYTES),
                        "-Dorg.bytedeco.javacpp.cachedir=/scratch/slot 1");
        assertThat(command.environment()).containsEntry("CUDA_VISIBLE_DEVICES", "2,5");
        assertThat(command.line(Path.of("/jdk"), Path.of("trainer.jar"), List.of("serve")))
                .startsWith("/jdk/bin/java")
                .endsWith("-jar", "trainer.jar", "serve");
        assertThat(TrainerCommand.of(Resources.threads(1), WIDE).environment())
                .doesNotContainKey("CUDA_VISIBLE_DEVICES");
    }
}
