package dev.powersweep.orchestrator.driver;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.powersweep.orchestrator.plan.RunPolicy;
import dev.powersweep.orchestrator.storage.SweepDirectory;
import dev.powersweep.orchestrator.storage.UserError;
import dev.powersweep.worker.cell.CellListeners;
import dev.powersweep.worker.cell.Program;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.OptionalInt;
import org.apache.hadoop.fs.Path;
import org.junit.jupiter.api.Test;

/** What a directory asks to be run is shown, and not run unless somebody says so. */
class TrustTest {
    private static final SweepDirectory DIRECTORY = new SweepDirectory(new Path("file:/d"));
    private static final Program PROGRAM = new Program(
            List.of("sh", "-c", "evil \u001b[2J"),
            List.of(new Program.File("a.py", "0123456789abcdef".repeat(4), 3)),
            Map.of("LD_PRELOAD", "/tmp/x.so"),
            Map.of(),
            Program.Parameters.REPORTED);
    private static final RunPolicy FOREIGN_JAVA =
            new RunPolicy(1, 0, 0, 60, 1, 0, 300, 3, 10, Optional.of("/tmp/evil"));
    private static final RunPolicy SEEN = new RunPolicy(
            1,
            0,
            0,
            60,
            1,
            0,
            300,
            3,
            10,
            Optional.empty(),
            Optional.of(new CellListeners(
                    List.of("a.Evil", "b.Evil"), List.of(new Program.File("e.jar", "0123456789abcdef".repeat(4), 3)))),
            OptionalInt.empty());

    @Test
    void programsAreShownWithTheirFilesAndEnvironment() {
        assertThatThrownBy(() -> Trust.NONE.require(DIRECTORY, RunPolicy.DEFAULT, List.of(PROGRAM, PROGRAM)))
                .isInstanceOf(UserError.class)
                .hasMessageContaining("asks to run programs")
                .hasMessageContaining("sh -c 'evil ")
                .hasMessageContaining("a.py (SHA-256 0123456789ab)")
                .hasMessageContaining("{LD_PRELOAD=/tmp/x.so}")
                .hasMessageContaining("give --trust")
                .satisfies(refusal -> assertThat(refusal.getMessage().split("sh -c", -1))
                        .as("each program once")
                        .hasSize(2));
    }

    @Test
    void aJavaOfTheDirectoryIsRefusedWithoutAnyProgram() {
        assertThatThrownBy(() -> Trust.NONE.require(DIRECTORY, FOREIGN_JAVA, List.of()))
                .isInstanceOf(UserError.class)
                .hasMessageContaining("on the Java in /tmp/evil")
                .hasMessageContaining("give --trust");
    }

    @Test
    void listenersOfTheDirectoryAreShownWithTheirJars() {
        assertThatThrownBy(() -> Trust.NONE.require(DIRECTORY, SEEN, List.of()))
                .isInstanceOf(UserError.class)
                .hasMessageContaining("asks to let training listeners see every step")
                .hasMessageContaining("a.Evil, b.Evil, of e.jar (SHA-256 0123456789ab)")
                .hasMessageContaining("give --trust");
    }

    @Test
    void nothingToRunAndGivenTrustPass() {
        Trust.NONE.require(DIRECTORY, RunPolicy.DEFAULT, List.of());
        Trust.GIVEN.require(DIRECTORY, FOREIGN_JAVA, List.of(PROGRAM));
        Trust.GIVEN.require(DIRECTORY, SEEN, List.of());
    }
}
