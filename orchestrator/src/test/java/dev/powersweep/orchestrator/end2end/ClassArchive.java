package dev.powersweep.orchestrator.end2end;

import static dev.powersweep.orchestrator.end2end.PowerSweepProcess.ROOT;

import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.channels.FileChannel;
import java.nio.channels.FileLock;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardCopyOption;
import java.nio.file.StandardOpenOption;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.concurrent.TimeUnit;

/**
 * Classes as a JVM lays them out in memory, for the short lives of a test's processes: a third of a driver's processor
 * time and half of a Master's went into loading them. An archive belongs to one class path. {@code bin/powersweep} has one,
 * written by the first {@code run} of a build's tests; all that Spark's own scripts start have another.
 */
final class ClassArchive {
    private static final String SUBMIT_OPTIONS = "SPARK_SUBMIT_OPTS";
    private static final String DAEMON_OPTIONS = "SPARK_DAEMON_JAVA_OPTS";
    private static final String FIRST_COMPILER = "-XX:TieredStopAtLevel=1";
    private static final Path LAUNCHER = target("driver.jsa");
    private static final Path SPARK = target("spark.jsa");
    private static final Path EXECUTOR_OPTIONS = target("executor.options");

    private ClassArchive() {}

    /** Adds what archives there are to what the environment asks of the JVM that a command starts. */
    static void use(List<String> command, Map<String, String> environment) {
        boolean spark = command.get(0).endsWith("/spark-class");
        if (spark) {
            writeSpark();
        }
        if (spark || Files.exists(LAUNCHER)) {
            add(environment, SUBMIT_OPTIONS, "-XX:SharedArchiveFile=" + (spark ? SPARK : LAUNCHER));
        }
        if (Files.exists(EXECUTOR_OPTIONS)) {
            add(environment, SUBMIT_OPTIONS, "-Dspark.executor.extraJavaOptions=" + executorOptions());
            add(environment, DAEMON_OPTIONS, "-XX:SharedArchiveFile=" + SPARK);
        }
    }

    /** One word that stands for the options of an executor's JVM. */
    static String executorOptions() {
        writeSpark();
        return "-XX:VMOptionsFile=" + EXECUTOR_OPTIONS;
    }

    /**
     * Asks the driver to write the archive at its end unless there is one; {@link #keep} it then. A JVM whose class path
     * holds a folder with files, as a Hadoop configuration is, writes none and fails.
     */
    static Optional<Path> write(Map<String, String> environment) {
        if (Files.exists(LAUNCHER)
                || environment.containsKey("HADOOP_CONF_DIR")
                || environment.containsKey("POWERSWEEP_JARS")) {
            return Optional.empty();
        }
        Path unfinished =
                LAUNCHER.resolveSibling("driver.jsa." + ProcessHandle.current().pid());
        add(environment, SUBMIT_OPTIONS, "-XX:ArchiveClassesAtExit=" + unfinished);
        return Optional.of(unfinished);
    }

    static void keep(Path unfinished) {
        try {
            if (Files.exists(unfinished)) {
                Files.move(unfinished, LAUNCHER, StandardCopyOption.ATOMIC_MOVE);
            }
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
    }

    /** By a sweep of one cell, once a build: the other process that runs tests waits for it. */
    private static synchronized void writeSpark() {
        if (Files.exists(EXECUTOR_OPTIONS)) {
            return;
        }
        try (FileChannel channel = FileChannel.open(
                        target("spark.jsa.lock"), StandardOpenOption.CREATE, StandardOpenOption.WRITE);
                FileLock lock = channel.lock()) {
            if (Files.exists(EXECUTOR_OPTIONS)) {
                return;
            }
            Path folder = Files.createTempDirectory("powersweep-archive");
            Path spec = Files.writeString(
                    folder.resolve("one.yaml"),
                    """
                    name: one
                    context: 16
                    grid: {modelSizes: 2k, dataSizes: 4k, batchSizes: 128}
                    evaluation: {timesPerRun: 1, tokens: 1024}
                    """);
            Path log = folder.resolve("log");
            Path unfinished = target("spark.jsa." + ProcessHandle.current().pid());
            ProcessBuilder builder = new ProcessBuilder(List.of(
                            ROOT.resolve("deploy/standalone/spark-class").toString(),
                            "org.apache.spark.deploy.SparkSubmit",
                            "--master",
                            "local[1]",
                            Loopback.applicationJar().toString(),
                            "run",
                            spec.toString(),
                            "--output",
                            folder.resolve("one").toString()))
                    .redirectErrorStream(true)
                    .redirectOutput(log.toFile());
            builder.environment().keySet().removeAll(List.of("SPARK_HOME", "HADOOP_CONF_DIR"));
            builder.environment().put("SPARK_LOCAL_IP", "127.0.0.1");
            builder.environment()
                    .put(SUBMIT_OPTIONS, FIRST_COMPILER + " -Xlog:disable -XX:ArchiveClassesAtExit=" + unfinished);
            Process process = builder.start();
            if (!process.waitFor(10, TimeUnit.MINUTES) || process.exitValue() != 0) {
                process.destroyForcibly();
                throw new AssertionError("no archive of Spark's classes:\n" + Files.readString(log));
            }
            Files.move(unfinished, SPARK, StandardCopyOption.ATOMIC_MOVE);
            Files.writeString(EXECUTOR_OPTIONS, FIRST_COMPILER + " -XX:SharedArchiveFile=" + SPARK + "\n");
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
            throw new AssertionError(e);
        }
    }

    private static Path target(String name) {
        return Path.of("target", name).toAbsolutePath();
    }

    private static void add(Map<String, String> environment, String name, String option) {
        environment.merge(name, option, (before, now) -> before + " " + now);
    }
}
