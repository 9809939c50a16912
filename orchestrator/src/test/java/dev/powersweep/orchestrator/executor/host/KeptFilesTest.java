package dev.powersweep.orchestrator.executor.host;

import static org.assertj.core.api.Assertions.assertThat;

import java.io.IOException;
import java.io.RandomAccessFile;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.attribute.FileTime;
import java.nio.file.attribute.PosixFilePermissions;
import java.time.Clock;
import java.time.Duration;
import java.time.Instant;
import java.time.ZoneOffset;
import java.util.List;
import java.util.stream.Stream;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

class KeptFilesTest {
    private static final Instant NOW = Instant.parse("2026-01-02T03:04:05Z");

    @TempDir
    Path folder;

    private Path place;
    private KeptFiles files;

    @BeforeEach
    void open() {
        place = folder.resolve("cache");
        files = at(NOW);
    }

    private KeptFiles at(Instant now) {
        return new KeptFiles(place, "rows", Clock.fixed(now, ZoneOffset.UTC));
    }

    private void keep(KeptFiles in, String name, String content) {
        in.keep(name, unfinished -> Files.writeString(unfinished, content));
    }

    private List<Path> lying() throws IOException {
        try (Stream<Path> all = Files.list(place.resolve("rows"))) {
            return all.toList();
        }
    }

    @Test
    void whatWasKeptIsFoundUnderItsNameAloneInADirectoryOfTheUserAlone() throws Exception {
        assertThat(files.find("a1")).isEmpty();
        assertThat(place).doesNotExist();

        keep(files, "a1", "rows of a1");

        assertThat(files.find("a1").orElseThrow()).hasContent("rows of a1");
        assertThat(files.find("a")).isEmpty();
        assertThat(files.find("a2")).isEmpty();
        assertThat(PosixFilePermissions.toString(Files.getPosixFilePermissions(place)))
                .isEqualTo("rwx------");
    }

    @Test
    void aFileThatWasCutShortOrChangedIsNotFoundAndCanBeKeptAnew() throws Exception {
        keep(files, "a1", "rows of a1");
        Path cut = files.find("a1").orElseThrow();
        Files.writeString(cut, "rows of");
        assertThat(files.find("a1")).isEmpty();
        assertThat(cut).doesNotExist();

        keep(files, "a1", "rows of a1");
        Path changed = files.find("a1").orElseThrow();
        Files.writeString(changed, "rows of b1");
        assertThat(files.find("a1")).isEmpty();

        keep(files, "a1", "rows of a1");
        assertThat(files.find("a1").orElseThrow()).hasContent("rows of a1");
    }

    @Test
    void aLinkIsNoKeptFile() throws Exception {
        keep(files, "a1", "rows of a1");
        Path kept = files.find("a1").orElseThrow();
        Path elsewhere = Files.move(kept, folder.resolve("elsewhere"));
        Files.createSymbolicLink(kept, elsewhere);

        assertThat(files.find("a1")).isEmpty();
        assertThat(elsewhere).hasContent("rows of a1");
    }

    @Test
    void aMakerThatFailsLeavesNothingBehind() throws Exception {
        files.keep("a1", unfinished -> {
            Files.writeString(unfinished, "half of");
            throw new IOException("no space left on device");
        });

        assertThat(files.find("a1")).isEmpty();
        assertThat(lying()).isEmpty();
    }

    @Test
    void whereNothingCanBeWrittenNothingIsKeptAndNothingFails() throws Exception {
        Files.writeString(place, "a file of somebody else");
        keep(files, "a1", "rows of a1");
        assertThat(files.find("a1")).isEmpty();
        assertThat(place).hasContent("a file of somebody else");

        Files.delete(place);
        Files.createSymbolicLink(place, Files.createDirectory(folder.resolve("of another")));
        keep(files, "a1", "rows of a1");
        assertThat(files.find("a1")).isEmpty();
        assertThat(folder.resolve("of another")).isEmptyDirectory();
    }

    @Test
    void sixteenStayThatWereUsedLast() throws Exception {
        for (int i = 0; i < 16; i++) {
            keep(at(NOW.plusSeconds(i)), "a" + i, "rows " + i);
        }
        assertThat(at(NOW.plusSeconds(100)).find("a0")).isPresent();

        keep(at(NOW.plusSeconds(101)), "b", "rows b");

        assertThat(files.find("a1")).isEmpty();
        assertThat(files.find("a0")).isPresent();
        assertThat(lying()).hasSize(16);
    }

    @Test
    void filesThatAreTooLargeTogetherGoTheOldestFirst() {
        keepEmptyBytes(at(NOW), "a1", 150 << 20);
        keepEmptyBytes(at(NOW.plusSeconds(1)), "a2", 150 << 20);
        keepEmptyBytes(at(NOW.plusSeconds(2)), "a3", 257 << 20);

        assertThat(files.find("a1")).isEmpty();
        assertThat(files.find("a2")).isPresent();
        assertThat(files.find("a3")).isEmpty();
    }

    private static void keepEmptyBytes(KeptFiles in, String name, long bytes) {
        in.keep(name, unfinished -> {
            try (RandomAccessFile file = new RandomAccessFile(unfinished.toFile(), "rw")) {
                file.setLength(bytes);
            }
        });
    }

    @Test
    void whatWasNotUsedForAFortnightGoes() {
        keep(files, "a1", "rows of a1");

        keep(at(NOW.plus(HostCache.UNUSED).plusSeconds(1)), "b1", "rows of b1");

        assertThat(files.find("a1")).isEmpty();
        assertThat(files.find("b1")).isPresent();
    }

    @Test
    void whatAKilledProcessLeftIsRemovedOnceNobodyCanBeWritingIt() throws Exception {
        keep(files, "a1", "rows of a1");
        Path left = Files.writeString(place.resolve("rows/.b1.left"), "half");
        Files.setLastModifiedTime(left, FileTime.from(NOW.minus(Duration.ofMinutes(59))));
        keep(files, "a2", "rows of a2");
        assertThat(left).exists();

        keep(at(NOW.plus(Duration.ofMinutes(2))), "a3", "rows of a3");
        assertThat(left).doesNotExist();
    }
}
