package dev.powersweep.orchestrator.shipment;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.powersweep.orchestrator.spec.ListenersSpec;
import dev.powersweep.orchestrator.storage.SweepDirectory;
import dev.powersweep.orchestrator.storage.UserError;
import dev.powersweep.worker.cell.CellListeners;
import dev.powersweep.worker.cell.Program;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.jar.JarOutputStream;
import java.util.zip.ZipEntry;
import org.apache.hadoop.conf.Configuration;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** Listeners on their way from beside a specification into a sweep's directory. */
class ListenerFilesTest {
    @TempDir
    Path folder;

    private final Configuration configuration = new Configuration();

    private ListenerFiles read(List<String> classes, String... files) {
        return ListenerFiles.read(
                new ListenersSpec(classes, List.of(files)),
                new org.apache.hadoop.fs.Path(folder.toUri()),
                configuration);
    }

    private Path jar(String name, String... entries) throws IOException {
        Path jar = folder.resolve(name);
        Files.createDirectories(jar.getParent());
        try (JarOutputStream out = new JarOutputStream(Files.newOutputStream(jar))) {
            for (String entry : entries) {
                out.putNextEntry(new ZipEntry(entry));
            }
        }
        return jar;
    }

    @Test
    void jarsAreStoredByTheirContent() throws Exception {
        jar("mine.jar", "com/me/Watch.class", "com/me/Watch$Inner.class");
        Path deep = jar("lib/deep.jar", "com/other/A.class");
        ListenerFiles read = read(
                List.of("com.me.Watch", "com.me.Watch$Inner", "org.deeplearning4j.optimize.listeners.X"),
                "mine.jar",
                "lib");
        CellListeners listeners = read.listeners();
        assertThat(listeners.files()).extracting(Program.File::name).containsExactly("mine.jar", "lib/deep.jar");

        SweepDirectory directory =
                SweepDirectory.at(folder.resolve("sweep").toUri().toString(), configuration);
        read.store(directory, configuration);
        read.store(directory, configuration);
        assertThat(folder.resolve("sweep/programs/" + listeners.files().get(1).sha256()))
                .hasSameBinaryContentAs(deep);
    }

    @Test
    void aClassThatNoJarHoldsIsNamed() throws Exception {
        jar("mine.jar", "com/me/Watch.class");
        assertThatThrownBy(() -> read(List.of("com.me.Watch", "com.me.Wacth"), "mine.jar"))
                .isInstanceOf(UserError.class)
                .hasMessageContaining("run.listeners.classes: no jar of run.listeners.files holds the class"
                        + " com.me.Wacth; name the one that does");
    }

    @Test
    void whatIsNoJarOrNotThereIsNamed() throws Exception {
        Files.writeString(folder.resolve("Watch.java"), "class Watch {}");
        assertThatThrownBy(() -> read(List.of("Watch"), "Watch.java"))
                .isInstanceOf(UserError.class)
                .hasMessage("run.listeners.files: Watch.java is no jar; pack the classes into one");
        assertThatThrownBy(() -> read(List.of("Watch"), "no.jar"))
                .isInstanceOf(UserError.class)
                .hasMessageStartingWith("run.listeners.files: there is no file ")
                .hasMessageEndingWith("/no.jar");
    }
}
