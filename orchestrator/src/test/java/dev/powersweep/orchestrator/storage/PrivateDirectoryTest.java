package dev.powersweep.orchestrator.storage;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.junit.jupiter.api.Assumptions.assumeTrue;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.attribute.PosixFilePermissions;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

class PrivateDirectoryTest {
    @TempDir
    Path folder;

    @Test
    void itIsMadeForItsUserAloneAndTakenAgainAsItIs() throws Exception {
        Path made = PrivateDirectory.require(folder.resolve("a/b"));
        assertThat(mode(made)).isEqualTo("rwx------");
        Files.writeString(made.resolve("file"), "kept");
        PrivateDirectory.require(made);
        assertThat(made.resolve("file")).hasContent("kept");
    }

    @Test
    void oneThatOthersCouldReadIsClosedAndOneThatTheyCouldWriteToIsEmptied() throws Exception {
        Path open = directory("open", "rwxr-xr-x");
        Files.writeString(open.resolve("file"), "kept");
        PrivateDirectory.require(open);
        assertThat(mode(open)).isEqualTo("rwx------");
        assertThat(open.resolve("file")).hasContent("kept");

        for (String permissions : new String[] {"rwxrwxr-x", "rwxr-xrwx"}) {
            Path shared = directory("shared", permissions);
            Files.writeString(shared.resolve("file"), "planted");
            PrivateDirectory.require(shared);
            assertThat(mode(shared)).isEqualTo("rwx------");
            assertThat(shared).isEmptyDirectory();
        }
    }

    @Test
    void aLinkAndAFileAreRefusedByName() throws Exception {
        Path link = Files.createSymbolicLink(folder.resolve("link"), directory("elsewhere", "rwx------"));
        Path file = Files.createFile(folder.resolve("file"));
        for (Path each : new Path[] {link, file}) {
            assertThatThrownBy(() -> PrivateDirectory.require(each))
                    .isInstanceOf(IOException.class)
                    .hasMessage(each + " is no directory; remove it");
        }
    }

    @Test
    void oneOfAnotherUserIsRefused() throws Exception {
        Path foreign = directory("foreign", "rwxrwxrwx");
        try {
            Files.setAttribute(foreign, "unix:uid", 65534);
        } catch (IOException | UnsupportedOperationException | IllegalArgumentException e) {
            assumeTrue(false, "only root can give a directory away");
        }
        assertThatThrownBy(() -> PrivateDirectory.require(foreign))
                .isInstanceOf(IOException.class)
                .hasMessageContaining(foreign + " belongs to ")
                .hasMessageContaining("java.io.tmpdir");
        assertThat(mode(foreign)).isEqualTo("rwxrwxrwx");
    }

    private Path directory(String name, String permissions) throws IOException {
        Path directory = Files.createDirectories(folder.resolve(name));
        Files.setPosixFilePermissions(directory, PosixFilePermissions.fromString(permissions));
        return directory;
    }

    private static String mode(Path path) throws IOException {
        return PosixFilePermissions.toString(Files.getPosixFilePermissions(path));
    }
}
