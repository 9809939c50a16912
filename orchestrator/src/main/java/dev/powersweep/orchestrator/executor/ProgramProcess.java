package dev.powersweep.orchestrator.executor;

import dev.powersweep.orchestrator.executor.trainer.OutOfMemoryKiller;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.OptionalLong;
import java.util.concurrent.TimeUnit;

/**
 * A program that is not ours, as one process and whatever it starts, in a session of its own so that a terminal's Ctrl-C
 * does not reach it. A second process kills it when this JVM dies without having done so.
 */
final class ProgramProcess {
    private static final long KILL_WAIT_SECONDS = 10;
    private static final String MARK = "POWERSWEEP_ASSIGNMENT";

    /**
     * Waits for the end of its input, which comes when the supervisor's JVM has gone: $1 is the program's process, $2 its
     * mark. Workers of launchers are in sessions of their own, so the launcher is asked first.
     */
    private static final String KEEPER =
            """
            cat >/dev/null
            kill -s TERM -- "-$1" 2>/dev/null || kill -s TERM "$1" 2>/dev/null
            sleep 3
            kill -s KILL -- "-$1" 2>/dev/null || kill -s KILL "$1" 2>/dev/null
            for each in /proc/[0-9]*; do
              if tr '\\000' '\\n' <"$each/environ" 2>/dev/null | grep -qxF "$2"; then
                kill -s KILL "${each#/proc/}" 2>/dev/null
              fi
            done
            """;

    private final Process process;
    private final Optional<Process> keeper;
    private final ProcessTree tree;
    private final OptionalLong outOfMemoryKillsBefore;
    private boolean killedByUs;

    private ProgramProcess(
            Process process, Optional<Process> keeper, ProcessTree tree, OptionalLong outOfMemoryKillsBefore) {
        this.process = process;
        this.keeper = keeper;
        this.tree = tree;
        this.outOfMemoryKillsBefore = outOfMemoryKillsBefore;
    }

    /**
     * Starts it.
     *
     * @param environment all of it; has the mark {@value #MARK}, which no other program has
     * @param output takes its standard output and standard error
     */
    static ProgramProcess start(List<String> command, Map<String, String> environment, Path folder, Path output)
            throws IOException {
        List<String> line = new ArrayList<>();
        onPath("setsid").ifPresent(setsid -> line.add(setsid.toString()));
        line.addAll(command);
        ProcessBuilder builder = new ProcessBuilder(line)
                .directory(folder.toFile())
                .redirectErrorStream(true)
                .redirectInput(ProcessBuilder.Redirect.from(Path.of("/dev/null").toFile()))
                .redirectOutput(ProcessBuilder.Redirect.appendTo(output.toFile()));
        builder.environment().clear();
        builder.environment().putAll(environment);
        OptionalLong before = OutOfMemoryKiller.kills();
        Process process = builder.start();
        ProcessTree tree = new ProcessTree(process.pid(), MARK + "=" + environment.get(MARK));
        return new ProgramProcess(process, keeper(tree), tree, before);
    }

    /** Whether a program of this name, or at this path, can be started from the folder. */
    static boolean canStart(String program, Map<String, String> environment, Path folder) {
        if (program.contains("/")) {
            return Files.isExecutable(folder.resolve(program));
        }
        return onPath(program, environment.getOrDefault("PATH", "")).isPresent();
    }

    private static Optional<Process> keeper(ProcessTree tree) {
        try {
            List<String> line = new ArrayList<>();
            onPath("setsid").ifPresent(setsid -> line.add(setsid.toString()));
            line.addAll(List.of("/bin/sh", "-c", KEEPER, "keeper", Long.toString(tree.pid()), tree.mark()));
            ProcessBuilder builder = new ProcessBuilder(line)
                    .redirectOutput(ProcessBuilder.Redirect.DISCARD)
                    .redirectError(ProcessBuilder.Redirect.DISCARD);
            builder.environment().keySet().retainAll(List.of("PATH"));
            return Optional.of(builder.start());
        } catch (IOException e) {
            // A host without a shell: a program outlives a killed executor there, and reports to nobody.
            return Optional.empty();
        }
    }

    private static Optional<Path> onPath(String name) {
        return onPath(name, System.getenv().getOrDefault("PATH", "") + ":/usr/bin:/bin");
    }

    private static Optional<Path> onPath(String name, String path) {
        for (String folder : path.split(":")) {
            Path file = Path.of(folder.isEmpty() ? "." : folder).resolve(name);
            if (Files.isRegularFile(file) && Files.isExecutable(file)) {
                return Optional.of(file);
            }
        }
        return Optional.empty();
    }

    long pid() {
        return process.pid();
    }

    boolean alive() {
        return process.isAlive();
    }

    ProcessTree tree() {
        return tree;
    }

    void askToStop() {
        tree.terminate();
    }

    boolean waitFor(long millis) throws InterruptedException {
        return process.waitFor(millis, TimeUnit.MILLISECONDS);
    }

    /** Ends it with all that it has started. */
    void kill() {
        killedByUs |= process.isAlive();
        tree.kill();
        try {
            process.waitFor(KILL_WAIT_SECONDS, TimeUnit.SECONDS);
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
        }
        keeper.ifPresent(each -> {
            each.descendants().forEach(ProcessHandle::destroyForcibly);
            each.destroyForcibly();
        });
    }

    boolean killedByUs() {
        return killedByUs;
    }

    boolean memorySufficed() {
        return outOfMemoryKillsBefore.isPresent() && OutOfMemoryKiller.kills().equals(outOfMemoryKillsBefore);
    }

    /** 128 plus the number of the signal for a killed process; -1 while it lives. */
    int exitStatus() {
        return process.isAlive() ? -1 : process.exitValue();
    }
}
