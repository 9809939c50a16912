package dev.powersweep.orchestrator.executor.trainer;

import static org.assertj.core.api.Assertions.assertThat;

import dev.powersweep.worker.cell.CellJson;
import dev.powersweep.worker.cell.Frame;
import java.io.IOException;
import java.io.InputStream;
import java.io.OutputStream;
import java.io.RandomAccessFile;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.attribute.FileTime;
import java.time.Duration;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.jar.Attributes;
import java.util.jar.JarEntry;
import java.util.jar.JarOutputStream;
import java.util.jar.Manifest;
import java.util.stream.Stream;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** Against real JVMs that write and map archives. */
class ClassArchiveTest {
    @TempDir
    Path folder;

    private TrainerPool pool;
    private Path jar;

    /** Says what it is told to say, and ends when its input does. */
    static final class Trainer {
        private Trainer() {}

        public static void main(String[] arguments) throws IOException {
            System.out.println(arguments[0]);
            System.in.read();
            System.exit(Integer.parseInt(arguments[1]));
        }
    }

    @BeforeEach
    void open() throws IOException {
        pool = new TrainerPool(folder.resolve("scratch"), Duration.ofSeconds(60));
        jar = folder.resolve("trainer.jar");
        Manifest manifest = new Manifest();
        manifest.getMainAttributes().put(Attributes.Name.MANIFEST_VERSION, "1.0");
        manifest.getMainAttributes().put(Attributes.Name.MAIN_CLASS, Trainer.class.getName());
        String name = Trainer.class.getName().replace('.', '/') + ".class";
        try (OutputStream file = Files.newOutputStream(jar);
                JarOutputStream out = new JarOutputStream(file, manifest);
                InputStream in = Trainer.class.getResourceAsStream("/" + name)) {
            out.putNextEntry(new JarEntry(name));
            in.transferTo(out);
        }
    }

    @AfterEach
    void close() {
        pool.close();
    }

    @Test
    void theSecondTrainerOfAHostMakesTheArchiveThatLaterOnesStartFrom() throws Exception {
        TrainerKey key = key(0, Optional.of(jar));
        assertThat(archiveOfANewOne(key)).isEmpty();
        assertThat(archives()).isEmpty();
        assertThat(archiveOfANewOne(key)).isPresent();
        List<Path> made = archives();
        assertThat(made).hasSize(1);
        assertThat(archiveOfANewOne(key)).hasValue(made.get(0).toString());
        try (Stream<Path> kept = Files.list(folder.resolve("native"))) {
            assertThat(kept.filter(file -> file.toString().contains(".jsa")))
                    .as("the archive, its lock and its checksum")
                    .hasSize(3);
        }
    }

    @Test
    void anArchiveBelongsToTheJarAsItIs() throws Exception {
        TrainerKey key = key(0, Optional.of(jar));
        archiveOfANewOne(key);
        archiveOfANewOne(key);
        Files.setLastModifiedTime(jar, FileTime.fromMillis(1_700_000_000_000L));
        assertThat(archiveOfANewOne(key)).isPresent();
        assertThat(archives()).hasSize(2);
    }

    @Test
    void aDamagedArchiveKeepsNoTrainerFromStarting() throws Exception {
        TrainerKey key = key(0, Optional.of(jar));
        archiveOfANewOne(key);
        archiveOfANewOne(key);
        Path archive = archives().get(0);
        assertThat(archive.toFile().setWritable(true)).isTrue();
        try (RandomAccessFile file = new RandomAccessFile(archive.toFile(), "rw")) {
            file.setLength(file.length() / 2);
        }
        assertThat(archiveOfANewOne(key)).isEmpty();
        assertThat(archiveOfANewOne(key)).isPresent();
    }

    @Test
    void whereNoArchiveCanBeMadeItIsTriedOnce() throws Exception {
        TrainerKey key = key(3, Optional.of(jar));
        archiveOfANewOne(key);
        assertThat(archiveOfANewOne(key)).isEmpty();
        assertThat(archives()).isEmpty();
        try (Stream<Path> kept = Files.list(folder.resolve("native"))) {
            assertThat(kept.map(Path::toString)).anyMatch(file -> file.endsWith(".crc32"));
        }
        assertThat(archiveOfANewOne(key)).isEmpty();
    }

    @Test
    void aJarThatIsNotTheCachesOwnGetsNone() throws Exception {
        TrainerKey key = key(0, Optional.empty());
        archiveOfANewOne(key);
        assertThat(archiveOfANewOne(key)).isEmpty();
        assertThat(archives()).isEmpty();
    }

    private TrainerKey key(int exitStatus, Optional<Path> cachedJar) {
        String ready = CellJson.line(new Frame.Ready(1, "cpu", "none", "stand-in", 1, Map.of()));
        return new TrainerKey(
                List.of(
                        Path.of(System.getProperty("java.home"), "bin", "java").toString(),
                        "-XX:+DisplayVMOutputToStderr",
                        "-jar",
                        jar.toString(),
                        ready,
                        Integer.toString(exitStatus)),
                Map.of(),
                folder.resolve("native").toString(),
                cachedJar);
    }

    /** Starts a trainer, which must come up, and ends it; the archive that its JVM was given. */
    private Optional<String> archiveOfANewOne(TrainerKey key) throws Exception {
        TrainerPool.Trainer trainer = pool.take(key, () -> false);
        try {
            String option = "-XX:SharedArchiveFile=";
            String[] line = Files.readString(
                            Path.of("/proc/" + trainer.process().pid() + "/cmdline"))
                    .split("\0", -1);
            return Stream.of(line)
                    .filter(each -> each.startsWith(option))
                    .map(each -> each.substring(option.length()))
                    .findFirst();
        } finally {
            pool.discard(trainer);
        }
    }

    private List<Path> archives() throws IOException {
        try (Stream<Path> files = Files.list(folder.resolve("native"))) {
            return files.filter(file -> file.toString().endsWith(".jsa")).toList();
        }
    }
}
