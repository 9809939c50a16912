package dev.powersweep.orchestrator.storage;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.nio.file.Files;
import java.nio.file.NoSuchFileException;
import java.nio.file.Path;
import java.nio.file.StandardCopyOption;
import java.nio.file.attribute.FileTime;
import java.nio.file.attribute.PosixFilePermissions;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

class FileStampTest {
    @TempDir
    Path folder;

    private Path file;
    private FileStamp first;

    @BeforeEach
    void write() throws Exception {
        file = Files.writeString(folder.resolve("file"), "content");
        first = FileStamp.of(file).orElseThrow();
    }

    private static String stamp(Path of) throws Exception {
        return FileStamp.of(of).orElseThrow().identity();
    }

    @Test
    void aFileThatIsReadKeepsItsStamp() throws Exception {
        assertThat(Files.readString(file)).isEqualTo("content");

        assertThat(stamp(file)).isEqualTo(first.identity());
    }

    @Test
    void anotherFileOfTheSameLengthAndTimeHasAnotherStamp() throws Exception {
        Path copy = Files.copy(file, folder.resolve("copy"), StandardCopyOption.COPY_ATTRIBUTES);

        assertThat(stamp(copy)).isNotEqualTo(first.identity());
    }

    @Test
    void aLinkHasItsOwnStamp() throws Exception {
        assertThat(stamp(Files.createSymbolicLink(folder.resolve("link"), file)))
                .isNotEqualTo(first.identity());
    }

    @Test
    void rightsThatWereTakenAwayShow() throws Exception {
        Files.setPosixFilePermissions(file, PosixFilePermissions.fromString("-w-------"));

        assertThat(stamp(file)).isNotEqualTo(first.identity());
    }

    @Test
    void aTimeThatWasSetBackDoesNotHideAChange() throws Exception {
        FileTime time = Files.getLastModifiedTime(file);
        // The system's clock of changes ticks a few hundred times a second.
        do {
            Files.writeString(file, "CONTENT");
            Files.setLastModifiedTime(file, time);
        } while (Files.getAttribute(file, "unix:ctime").equals(FileTime.from(first.changed())));

        assertThat(Files.getLastModifiedTime(file)).isEqualTo(time);
        assertThat(stamp(file)).isNotEqualTo(first.identity());
    }

    @Test
    void aFileThatIsNotThereHasNone() {
        assertThatThrownBy(() -> FileStamp.of(folder.resolve("none"))).isInstanceOf(NoSuchFileException.class);
    }
}
