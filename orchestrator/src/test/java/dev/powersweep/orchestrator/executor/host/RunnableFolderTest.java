package dev.powersweep.orchestrator.executor.host;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.catchThrowableOfType;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

class RunnableFolderTest {
    @TempDir
    private Path folder;

    @Test
    void whereProgramsMayBeRunNothingIsWrongAndNothingIsLeft() {
        assertThat(RunnableFolder.trouble(folder)).isEmpty();
        assertThat(folder).isEmptyDirectory();
    }

    /** The system refuses a file without the right to be run as it does all files of a file system mounted noexec. */
    @Test
    void aProgramThatMayNotBeRunNamesTheFolderAndTheRemedy() throws Exception {
        Path file = Files.writeString(folder.resolve("program"), "#!/bin/sh\n");
        IOException refused =
                catchThrowableOfType(IOException.class, () -> new ProcessBuilder(file.toString()).start());

        assertThat(RunnableFolder.judge(folder, refused))
                .hasValueSatisfying(told -> assertThat(told).contains(folder.toString(), "noexec", "java.io.tmpdir"));
        assertThat(RunnableFolder.judge(folder, new IOException("error=2, No such file or directory")))
                .isEmpty();
    }
}
