package dev.powersweep.orchestrator.cli;

import java.io.IOException;
import java.io.InputStreamReader;
import java.io.Reader;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Arrays;
import java.util.Map;
import java.util.concurrent.TimeUnit;

/** A program that believes it runs on a terminal, by {@code script} of util-linux. */
final class PseudoTerminal implements AutoCloseable {
    private static final long PATIENCE_SECONDS = 60;

    private final Process process;
    private final StringBuilder shown = new StringBuilder();
    private final Thread reader;

    private PseudoTerminal(Process process) {
        this.process = process;
        this.reader = new Thread(this::read, "screen");
        reader.setDaemon(true);
        reader.start();
    }

    /** Whether a program of that name is on the path. */
    static boolean has(String program) {
        return Arrays.stream(System.getenv("PATH").split(":"))
                .anyMatch(folder -> Files.isExecutable(Path.of(folder).resolve(program)));
    }

    /** @param command for a shell */
    static PseudoTerminal start(String command, Map<String, String> environment) throws IOException {
        ProcessBuilder builder = new ProcessBuilder("script", "-qec", command, "/dev/null").redirectErrorStream(true);
        builder.environment().put("TERM", "xterm");
        builder.environment().remove("NO_COLOR");
        builder.environment().putAll(environment);
        return new PseudoTerminal(builder.start());
    }

    private void read() {
        char[] some = new char[1024];
        try (Reader screen = new InputStreamReader(process.getInputStream(), StandardCharsets.UTF_8)) {
            for (int count = screen.read(some); count >= 0; count = screen.read(some)) {
                synchronized (shown) {
                    shown.append(some, 0, count);
                    shown.notifyAll();
                }
            }
        } catch (IOException closed) {
            // Nothing more is to be seen.
        }
    }

    PseudoTerminal type(String keys) throws IOException {
        process.getOutputStream().write(keys.getBytes(StandardCharsets.UTF_8));
        process.getOutputStream().flush();
        return this;
    }

    /** Waits until the screen has shown the text. */
    PseudoTerminal await(String text) throws InterruptedException {
        long end = System.nanoTime() + TimeUnit.SECONDS.toNanos(PATIENCE_SECONDS);
        synchronized (shown) {
            while (shown.indexOf(text) < 0) {
                long left = TimeUnit.NANOSECONDS.toMillis(end - System.nanoTime());
                if (left <= 0) {
                    throw new AssertionError("\"" + text + "\" is not among what was shown:\n" + shown);
                }
                shown.wait(left);
            }
        }
        return this;
    }

    /** All that was shown until the program ended. */
    String awaitEnd() throws InterruptedException {
        if (!process.waitFor(PATIENCE_SECONDS, TimeUnit.SECONDS)) {
            throw new AssertionError("no end, but:\n" + shown);
        }
        reader.join();
        return shown.toString();
    }

    @Override
    public void close() {
        process.descendants().forEach(ProcessHandle::destroyForcibly);
        process.destroyForcibly();
    }
}
