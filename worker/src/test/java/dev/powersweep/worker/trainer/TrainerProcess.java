package dev.powersweep.worker.trainer;

import dev.powersweep.worker.cell.Assignment;
import dev.powersweep.worker.cell.CellJson;
import dev.powersweep.worker.cell.Frame;
import dev.powersweep.worker.cell.TrainerCommand;
import java.io.BufferedReader;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.io.Writer;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.concurrent.TimeUnit;
import java.util.function.Predicate;

/** A trainer as its supervisor sees it: a process, lines in, frames out. */
final class TrainerProcess implements AutoCloseable {
    private static final long END_SECONDS = 120;

    private final Process process;
    private final Path log;
    private final BufferedReader out;
    private final Writer in;

    private TrainerProcess(ProcessBuilder builder, Path log) throws IOException {
        builder.redirectError(log.toFile());
        this.log = log;
        process = builder.start();
        out = process.inputReader(StandardCharsets.UTF_8);
        in = process.outputWriter(StandardCharsets.UTF_8);
    }

    /** On the class path of the tests, with all that {@link TrainerCommand} asks for. */
    static TrainerProcess start(Path scratch, String... arguments) throws IOException {
        return start(scratch, TrainerCommand.Resources.threads(1), arguments);
    }

    static TrainerProcess start(Path scratch, TrainerCommand.Resources resources, String... arguments)
            throws IOException {
        return start(scratch, resources, List.of(), arguments);
    }

    /** With options of the JVM besides. */
    static TrainerProcess startWith(Path scratch, List<String> jvmOptions, String... arguments) throws IOException {
        return start(scratch, TrainerCommand.Resources.threads(1), jvmOptions, arguments);
    }

    /** Where no file may grow beyond a megabyte, as if the disk were full, with libraries unpacked to a new folder. */
    static TrainerProcess startWithoutRoom(Path scratch, String... arguments) throws IOException {
        Line line = line(
                TrainerCommand.Resources.threads(1),
                List.of("-Dorg.bytedeco.javacpp.cachedir=" + scratch.resolve("libraries"), "-XX:-UsePerfData"),
                arguments);
        line.words().addAll(0, List.of("bash", "-c", "ulimit -f 1024; exec \"$@\"", "bash"));
        return line.start(scratch);
    }

    private static TrainerProcess start(
            Path scratch, TrainerCommand.Resources resources, List<String> jvmOptions, String... arguments)
            throws IOException {
        return line(resources, jvmOptions, arguments).start(scratch);
    }

    private record Line(List<String> words, Map<String, String> environment) {
        TrainerProcess start(Path scratch) throws IOException {
            ProcessBuilder builder = new ProcessBuilder(words);
            builder.environment().putAll(environment);
            return new TrainerProcess(builder, Files.createTempFile(scratch, "trainer", ".log"));
        }
    }

    private static Line line(TrainerCommand.Resources resources, List<String> jvmOptions, String... arguments) {
        TrainerCommand command = TrainerCommand.of(resources);
        List<String> line = new ArrayList<>();
        line.add(java().toString());
        line.addAll(command.jvmOptions());
        line.addAll(jvmOptions);
        line.add("-cp");
        line.add(System.getProperty("java.class.path"));
        line.add(Main.class.getName());
        line.addAll(List.of(arguments));
        return new Line(line, command.environment());
    }

    /** As a user would, from the shaded jar: a bare JVM and no variables. */
    static TrainerProcess startBare(Path scratch, Path jar, String... arguments) throws IOException {
        return startBare(scratch, jar, Map.of(), arguments);
    }

    /** With variables besides. */
    static TrainerProcess startBare(Path scratch, Path jar, Map<String, String> environment, String... arguments)
            throws IOException {
        List<String> line = new ArrayList<>(List.of(java().toString(), "-jar", jar.toString()));
        line.addAll(List.of(arguments));
        ProcessBuilder builder = new ProcessBuilder(line);
        builder.environment().keySet().removeIf(name -> name.startsWith("OMP_") || name.startsWith("OPENBLAS_CORE"));
        builder.environment().putAll(environment);
        return new TrainerProcess(builder, Files.createTempFile(scratch, "trainer", ".log"));
    }

    private static Path java() {
        return Path.of(System.getProperty("java.home"), "bin", "java");
    }

    long pid() {
        return process.pid();
    }

    /** SIGTERM. By the handle, because {@link Process#destroy()} also closes the pipes and loses the last frames. */
    void terminate() {
        process.toHandle().destroy();
    }

    /** SIGKILL. */
    void kill() {
        process.toHandle().destroyForcibly();
    }

    void send(Assignment assignment) {
        sendLine(CellJson.line(assignment));
    }

    void sendLine(String line) {
        try {
            in.write(line + "\n");
            in.flush();
        } catch (IOException e) {
            throw new UncheckedIOException(log(), e);
        }
    }

    void endInput() throws IOException {
        in.close();
    }

    /** The next frame; throws where the trainer has ended instead. */
    Frame next() {
        try {
            String line = out.readLine();
            if (line == null) {
                throw new AssertionError("the trainer ended: " + log());
            }
            return CellJson.read(line, Frame.class);
        } catch (IOException e) {
            throw new UncheckedIOException(log(), e);
        }
    }

    /** Frames up to the first that {@code last} accepts, which is among them. */
    List<Frame> until(Predicate<Frame> last) {
        List<Frame> frames = new ArrayList<>();
        do {
            frames.add(next());
        } while (!last.test(frames.get(frames.size() - 1)));
        return frames;
    }

    List<Frame> untilOutcome() {
        return until(frame -> frame instanceof Frame.Outcome);
    }

    /** Frames that were complete when the trainer was killed. */
    List<Frame> rest() throws IOException {
        List<Frame> frames = new ArrayList<>();
        for (String line = out.readLine(); line != null; line = out.readLine()) {
            // A kill may cut the last line.
            if (line.endsWith("}")) {
                frames.add(CellJson.read(line, Frame.class));
            }
        }
        return frames;
    }

    /** Closes the reading end of the trainer's output. */
    void hangUp() throws IOException {
        process.getInputStream().close();
    }

    int exitStatus() throws InterruptedException {
        if (!process.waitFor(END_SECONDS, TimeUnit.SECONDS)) {
            throw new AssertionError("the trainer does not end: " + log());
        }
        return process.exitValue();
    }

    String log() {
        try {
            return Files.readString(log);
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
    }

    @Override
    public void close() {
        process.destroyForcibly();
    }
}
