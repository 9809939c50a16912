package dev.powersweep.orchestrator.executor;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.zip.ZipEntry;
import java.util.zip.ZipOutputStream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** A checkpoint of a program, in place of which somebody has put an archive of his own. */
class HostilePackageTest {
    @TempDir
    Path folder;

    private Path archive(String entry, int megabytes) throws IOException {
        Path archive = folder.resolve("package.zip");
        try (ZipOutputStream zip = new ZipOutputStream(Files.newOutputStream(archive))) {
            zip.putNextEntry(new ZipEntry(entry));
            byte[] blanks = " ".repeat(1 << 20).getBytes(StandardCharsets.US_ASCII);
            for (int i = 0; i < megabytes; i++) {
                zip.write(blanks);
            }
            zip.closeEntry();
        }
        return archive;
    }

    @Test
    void whatUnpacksToMoreThanItsBytesIsNotUnpacked() throws IOException {
        Path bomb = archive("checkpoint/state/weights", 64);
        assertThat(Files.size(bomb)).isLessThan(1 << 20);
        Path into = folder.resolve("resume");
        assertThatThrownBy(() -> CheckpointPackage.unpack(bomb, into))
                .isInstanceOf(IOException.class)
                .hasMessageContaining("holds more than it has bytes");
        assertThat(Files.size(into.resolve("checkpoint/state/weights"))).isLessThanOrEqualTo(Files.size(bomb));
    }

    @Test
    void aNoteOfAnyLengthIsReadToItsBudget() throws IOException {
        Path bomb = archive("powersweep.json", 64);
        assertThatThrownBy(() -> CheckpointPackage.unpack(bomb, folder.resolve("resume")))
                .isInstanceOf(IOException.class);
    }

    @Test
    void noEntryLeadsOutOfItsFolder() throws IOException {
        for (String name : new String[] {"checkpoint/../../victim", "/victim", "../victim", "victim"}) {
            Path archive = archive(name, 1);
            assertThatThrownBy(() -> CheckpointPackage.unpack(archive, folder.resolve("resume")))
                    .as(name)
                    .isInstanceOf(IOException.class)
                    .hasMessageContaining("names a path outside of itself");
            assertThat(folder.resolve("victim")).doesNotExist();
            assertThat(folder.resolve("resume/victim")).doesNotExist();
        }
    }
}
