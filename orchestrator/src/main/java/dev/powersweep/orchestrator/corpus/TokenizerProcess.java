package dev.powersweep.orchestrator.corpus;

import ai.djl.huggingface.tokenizers.HuggingFaceTokenizer;
import dev.powersweep.orchestrator.storage.UserError;
import java.io.BufferedInputStream;
import java.io.BufferedOutputStream;
import java.io.DataInputStream;
import java.io.DataOutputStream;
import java.io.File;
import java.io.IOException;
import java.net.URISyntaxException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Path;
import java.security.CodeSource;
import java.time.Duration;
import java.util.LinkedHashSet;
import java.util.List;
import java.util.Optional;
import java.util.Set;
import java.util.concurrent.TimeUnit;

/**
 * A {@code tokenizer.json} in a process of its own. Its rules and regular expressions are a stranger's program: some never
 * end, some multiply the text, and where the library gives up on one it aborts the process that it runs in. Here that ends
 * the child, with a sentence. Not safe for use by several threads.
 */
final class TokenizerProcess implements AutoCloseable {
    /** A block of 8 KiB takes some milliseconds. */
    static final Duration MOST_TIME = Duration.ofSeconds(60);

    /** Address space of the child beyond its file's, KiB: what a JVM reserves and what a vocabulary takes. */
    private static final long SPACE_KIB = 6L << 20;

    private static final long SPACE_PER_JSON_BYTE = 32;
    private static final Set<String> ENVIRONMENT =
            Set.of("PATH", "HOME", "LANG", "LC_ALL", "TMPDIR", "LD_LIBRARY_PATH");

    private static final int HEAP_MIB = 128;
    private static final int HEAP_PER_JSON_BYTE = 6;
    private static final int SHOWN_CHARACTERS = 40;

    private final String name;
    private final Process process;
    private final DataOutputStream to;
    private final DataInputStream from;
    private final StringBuffer said = new StringBuffer();
    private final long mostNanos;
    private volatile long busySince;
    private volatile boolean busy;
    private volatile boolean late;

    /**
     * Starts it.
     *
     * @param name of the tokenizer, for messages
     * @throws UserError where the library refuses the file
     */
    TokenizerProcess(String name, String json, Duration mostTime) {
        this.name = name;
        this.mostNanos = mostTime.toNanos();
        byte[] file = json.getBytes(StandardCharsets.UTF_8);
        try {
            ProcessBuilder builder = new ProcessBuilder(command(file.length));
            // A stranger's rules need no keys of this user's.
            builder.environment().keySet().retainAll(ENVIRONMENT);
            process = builder.start();
        } catch (IOException e) {
            throw new UserError("no process could be started for the tokenizer " + name + ": " + e.getMessage(), e);
        }
        to = new DataOutputStream(new BufferedOutputStream(process.getOutputStream()));
        from = new DataInputStream(new BufferedInputStream(process.getInputStream()));
        thread("what it says", this::listen);
        thread("time", this::watch);
        begin();
        try {
            send(file);
            if (from.readInt() != TokenizerMain.READY) {
                throw refused(from.readUTF());
            }
        } catch (IOException e) {
            throw ended("its file", e);
        } finally {
            busy = false;
        }
    }

    /**
     * Tokens of a text; empty where the process had ended because it waited too long for one.
     *
     * @throws UserError where the library fails on the text
     */
    Optional<int[]> encode(String text) {
        begin();
        try {
            send(text.getBytes(StandardCharsets.UTF_8));
            int count = from.readInt();
            if (count < 0) {
                throw refused(from.readUTF());
            }
            int[] tokens = new int[count];
            for (int i = 0; i < count; i++) {
                tokens[i] = from.readInt();
            }
            return Optional.of(tokens);
        } catch (IOException e) {
            if (endedIdle()) {
                return Optional.empty();
            }
            throw ended("a text of " + text.length() + " characters that begins with '" + begin(text) + "'", e);
        } finally {
            busy = false;
        }
    }

    /**
     * The text of tokens; empty where the process had ended because it waited too long for some.
     *
     * @throws UserError where the library fails on them
     */
    Optional<String> decode(int[] tokens) {
        begin();
        try {
            to.writeInt(TokenizerMain.TOKENS_FOLLOW);
            to.writeInt(tokens.length);
            for (int token : tokens) {
                to.writeInt(token);
            }
            to.flush();
            int bytes = from.readInt();
            if (bytes < 0) {
                throw refused(from.readUTF());
            }
            return Optional.of(new String(from.readNBytes(bytes), StandardCharsets.UTF_8));
        } catch (IOException e) {
            if (endedIdle()) {
                return Optional.empty();
            }
            throw ended(tokens.length + " tokens", e);
        } finally {
            busy = false;
        }
    }

    /** Whether it still waits for texts; one that has waited long has ended. */
    boolean alive() {
        return process.isAlive();
    }

    @Override
    public void close() {
        process.destroyForcibly();
    }

    private boolean endedIdle() {
        try {
            return process.waitFor(5, TimeUnit.SECONDS) && process.exitValue() == 0;
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
            return false;
        }
    }

    private void begin() {
        busySince = System.nanoTime();
        busy = true;
    }

    private void send(byte[] bytes) throws IOException {
        to.writeInt(bytes.length);
        to.write(bytes);
        to.flush();
    }

    private UserError refused(String message) {
        close();
        return new UserError(name + " is refused by the tokenizers library: " + message);
    }

    private UserError ended(String what, IOException cause) {
        String how;
        try {
            boolean over = process.waitFor(5, TimeUnit.SECONDS);
            how = late
                    ? "was not done with it after " + TimeUnit.NANOSECONDS.toSeconds(mostNanos) + " s"
                    : over ? "ended with status " + process.exitValue() : "does not answer";
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
            how = "was interrupted";
        }
        close();
        return new UserError(
                name + ": the tokenizers library " + how + reason() + ", on " + what
                        + "; its rules or regular expressions cannot be run on this text: give another tokenizer, or tokenise"
                        + " the text yourself and name the tokens in corpus.tokens",
                cause);
    }

    /** What Rust's library said when it gave up: the line after the one that tells of a panic. */
    private String reason() {
        List<String> lines = said.toString().lines().toList();
        for (int i = 0; i + 1 < lines.size(); i++) {
            if (lines.get(i).contains(" panicked at ")) {
                return " (" + lines.get(i + 1).strip() + ")";
            }
        }
        return said.indexOf("memory allocation") >= 0 || said.indexOf("OutOfMemoryError") >= 0
                ? " (out of memory)"
                : "";
    }

    private static String begin(String text) {
        String begin = text.substring(0, Math.min(SHOWN_CHARACTERS, text.length()));
        return begin.replaceAll("\\p{Cntrl}", " ");
    }

    private void listen() {
        byte[] buffer = new byte[1024];
        try (var errors = process.getErrorStream()) {
            for (int read = errors.read(buffer); read >= 0; read = errors.read(buffer)) {
                if (said.length() < 16 * buffer.length) {
                    said.append(new String(buffer, 0, read, StandardCharsets.UTF_8));
                }
            }
        } catch (IOException closed) {
            said.append(' ');
        }
    }

    private void watch() {
        while (process.isAlive()) {
            if (busy && System.nanoTime() - busySince > mostNanos) {
                late = true;
                process.destroyForcibly();
                return;
            }
            try {
                TimeUnit.MILLISECONDS.sleep(200);
            } catch (InterruptedException e) {
                return;
            }
        }
    }

    private static void thread(String what, Runnable task) {
        Thread thread = new Thread(task, "tokenizer: " + what);
        thread.setDaemon(true);
        thread.start();
    }

    /** Under a limit of address space: a rule that multiplies the text would fill the machine's memory. */
    private static List<String> command(int jsonBytes) {
        long space = SPACE_KIB + SPACE_PER_JSON_BYTE * jsonBytes / 1024;
        long heap = HEAP_MIB + ((long) HEAP_PER_JSON_BYTE * jsonBytes >> 20);
        return List.of(
                "/bin/sh",
                "-c",
                "ulimit -v " + space + " 2>/dev/null; ulimit -c 0; exec \"$0\" \"$@\"",
                Path.of(System.getProperty("java.home"), "bin", "java").toString(),
                "-Xmx" + heap + "m",
                "-XX:+UseSerialGC",
                "-XX:TieredStopAtLevel=1",
                "-XX:CompressedClassSpaceSize=64m",
                "-XX:ReservedCodeCacheSize=48m",
                "-XX:+DisplayVMOutputToStderr",
                "-XX:+ErrorFileToStderr",
                "-Dfile.encoding=UTF-8",
                "-cp",
                classPath(),
                TokenizerMain.class.getName());
    }

    /** Where the library and this class lie, wherever Spark put them, and all that this process has. */
    private static String classPath() {
        Set<String> places = new LinkedHashSet<>();
        for (Class<?> type : List.of(TokenizerMain.class, HuggingFaceTokenizer.class)) {
            CodeSource source = type.getProtectionDomain().getCodeSource();
            if (source != null) {
                try {
                    places.add(Path.of(source.getLocation().toURI()).toString());
                } catch (URISyntaxException | IllegalArgumentException elsewhere) {
                    continue;
                }
            }
        }
        places.add(System.getProperty("java.class.path"));
        return String.join(File.pathSeparator, places);
    }
}
