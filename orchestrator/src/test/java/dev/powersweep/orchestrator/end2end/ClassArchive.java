package dev.powersweep.orchestrator.end2end;

import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardCopyOption;
import java.util.Map;
import java.util.Optional;

/**
 * The driver's classes as a JVM lays them out in memory, written by the first {@code run} of a build's tests: a third of
 * the processor time of the drivers after it went into loading them.
 */
final class ClassArchive {
    private static final String OPTIONS = "SPARK_SUBMIT_OPTS";
    private static final Path FILE = Path.of("target", "driver.jsa").toAbsolutePath();

    private ClassArchive() {}

    /** Adds the archive, where there is one, to what the environment asks of a driver's JVM. */
    static void use(Map<String, String> environment) {
        if (Files.exists(FILE)) {
            add(environment, "-XX:SharedArchiveFile=" + FILE);
        }
    }

    /**
     * Asks the driver to write the archive at its end unless there is one; {@link #keep} it then. A JVM whose class path
     * holds a folder with files, as a Hadoop configuration is, writes none and fails.
     */
    static Optional<Path> write(Map<String, String> environment) {
        if (Files.exists(FILE)
                || environment.containsKey("HADOOP_CONF_DIR")
                || environment.containsKey("POWERSWEEP_JARS")) {
            return Optional.empty();
        }
        Path unfinished =
                FILE.resolveSibling("driver.jsa." + ProcessHandle.current().pid());
        add(environment, "-XX:ArchiveClassesAtExit=" + unfinished);
        return Optional.of(unfinished);
    }

    static void keep(Path unfinished) {
        try {
            if (Files.exists(unfinished)) {
                Files.move(unfinished, FILE, StandardCopyOption.ATOMIC_MOVE);
            }
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
    }

    private static void add(Map<String, String> environment, String option) {
        environment.merge(OPTIONS, option, (before, now) -> before + " " + now);
    }
}
