package dev.powersweep.orchestrator.end2end;

import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.Map;
import java.util.concurrent.TimeUnit;
import java.util.regex.Matcher;
import java.util.regex.Pattern;

/** A long-lived process of a test, its output in a file; ends with {@link #close}, or by SIGKILL with {@link #kill}. */
final class Daemon implements AutoCloseable {
    private static final long START_SECONDS = 300;

    private final String name;
    private final Path log;
    private final Process process;

    private Daemon(String name, Path log, Process process) {
        this.name = name;
        this.log = log;
        this.process = process;
    }

    /**
     * @param log takes standard output and error; what was in it is lost
     * @param environment added to this process's own
     */
    static Daemon start(String name, Path log, Map<String, String> environment, List<String> command) {
        try {
            Files.createDirectories(log.getParent());
            ProcessBuilder builder = new ProcessBuilder(command)
                    .directory(log.getParent().toFile())
                    .redirectInput(
                            ProcessBuilder.Redirect.from(Path.of("/dev/null").toFile()))
                    .redirectErrorStream(true)
                    .redirectOutput(log.toFile());
            builder.environment().remove("SPARK_HOME");
            builder.environment().putAll(environment);
            ClassArchive.use(command, builder.environment());
            Daemon daemon = new Daemon(name, log, builder.start());
            // A test run that is cut short leaves nothing behind.
            Runtime.getRuntime().addShutdownHook(new Thread(daemon::close, "end of " + name));
            return daemon;
        } catch (IOException e) {
            throw new AssertionError(name + " did not start", e);
        }
    }

    /** Waits until a line of the log holds the pattern. */
    Matcher await(String pattern) throws InterruptedException {
        Pattern compiled = Pattern.compile(pattern);
        long end = System.nanoTime() + TimeUnit.SECONDS.toNanos(START_SECONDS);
        while (System.nanoTime() < end) {
            Matcher matcher = compiled.matcher(log());
            if (matcher.find()) {
                return matcher;
            }
            if (!process.isAlive()) {
                throw new AssertionError(name + " ended with " + process.exitValue() + ":\n" + log());
            }
            TimeUnit.MILLISECONDS.sleep(50);
        }
        throw new AssertionError(name + " has not said \"" + pattern + "\" in " + START_SECONDS + " s:\n" + log());
    }

    ProcessHandle handle() {
        return process.toHandle();
    }

    boolean alive() {
        return process.isAlive();
    }

    /** Waits for the end and gives the exit status. */
    int awaitEnd(long seconds) throws InterruptedException {
        if (!process.waitFor(seconds, TimeUnit.SECONDS)) {
            throw new AssertionError(name + " has not ended in " + seconds + " s:\n" + log());
        }
        return process.exitValue();
    }

    /** SIGKILL, and waits for the end. */
    void kill() {
        process.destroyForcibly();
        try {
            process.waitFor();
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
        }
    }

    String log() {
        try {
            return Files.readString(log, StandardCharsets.UTF_8);
        } catch (IOException e) {
            return "";
        }
    }

    @Override
    public void close() {
        process.descendants().forEach(ProcessHandle::destroyForcibly);
        kill();
    }
}
