package dev.powersweep.orchestrator.executor;

import dev.powersweep.orchestrator.executor.host.HostCache;
import dev.powersweep.orchestrator.executor.host.HostScratch;
import dev.powersweep.orchestrator.executor.trainer.LibraryFolder;
import dev.powersweep.orchestrator.executor.trainer.Stopping;
import dev.powersweep.orchestrator.executor.trainer.TrainerEnvironment;
import dev.powersweep.orchestrator.executor.trainer.TrainerKey;
import dev.powersweep.orchestrator.executor.trainer.TrainerPool;
import dev.powersweep.orchestrator.plan.RunPolicy;
import dev.powersweep.worker.cell.Frame;
import dev.powersweep.worker.cell.TrainerCommand;
import java.io.BufferedReader;
import java.io.IOException;
import java.io.OutputStream;
import java.nio.charset.StandardCharsets;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.TimeUnit;
import java.util.function.Consumer;

/** Starts a trainer on this machine as a supervisor would, and ends it again. */
public final class TrainerProbe {
    private static final String HEAP = "1g";

    private TrainerProbe() {}

    /**
     * What a trainer of the application's jar says of itself.
     *
     * @throws IOException when none comes up; the message says why
     */
    public static Frame.Ready ready() throws IOException, InterruptedException {
        ExecutorHost host = ExecutorHost.get();
        try {
            TrainerKey key = key(host.cache(), CellTask.trainerJar(Optional.empty(), host.cache()));
            return host.pool().take(key, Stopping.NEVER).ready();
        } finally {
            ExecutorHost.shutDown();
        }
    }

    /**
     * Runs another program of the trainer's jar to its end, on this process's streams and in its environment.
     *
     * @return its exit status
     */
    public static int program(String mainClass, List<String> arguments) throws IOException, InterruptedException {
        ExecutorHost host = ExecutorHost.get();
        try {
            Path jar = CellTask.trainerJar(Optional.empty(), host.cache());
            Path libraries = host.cache().nativeLibraries(jar);
            List<String> options = List.of(
                    "-XX:+UseSerialGC", TrainerCommand.TIME_ZONE, "-Dorg.bytedeco.javacpp.cachedir=" + libraries);
            unpack(host.pool(), host.cache(), jar);
            return new ProcessBuilder(line(options, jar, mainClass, arguments))
                    .inheritIO()
                    .start()
                    .waitFor();
        } finally {
            ExecutorHost.shutDown();
        }
    }

    /**
     * How a confined program ended.
     *
     * @param status its exit status
     * @param text what it wrote to standard output
     */
    public record Ended(int status, String text) {}

    /**
     * Runs a program of the trainer's jar that opens what a sweep's directory holds: it gets a trainer's environment,
     * without this user's keys, and ends with this process. What it says on standard error is passed on.
     *
     * @param question written to its standard input
     */
    public static Ended confined(String mainClass, List<String> arguments, String question)
            throws IOException, InterruptedException {
        return confined(mainClass, arguments, question, System.err::println, Optional.empty());
    }

    /**
     * As {@link #confined(String, List, String)}.
     *
     * @param errors told each line of its standard error
     * @param limit after which it is killed
     */
    public static Ended confined(
            String mainClass,
            List<String> arguments,
            String question,
            Consumer<String> errors,
            Optional<Duration> limit)
            throws IOException, InterruptedException {
        HostCache cache = HostCache.ofUser();
        Path jar = CellTask.trainerJar(Optional.empty(), cache);
        Path libraries = cache.nativeLibraries(jar);
        TrainerCommand trainer =
                TrainerCommand.of(new TrainerCommand.Resources(1, 0, Optional.of(libraries), Optional.empty()));
        // With all that the fast kernels need, but a heap for whole networks.
        List<String> options = new ArrayList<>(trainer.jvmOptions());
        options.addAll(List.of("-XX:+TieredCompilation", "-Xmx" + HEAP));
        ProcessBuilder builder = new ProcessBuilder(line(options, jar, mainClass, arguments));
        builder.environment().clear();
        builder.environment().putAll(TrainerEnvironment.inherited());
        builder.environment().putAll(trainer.environment());
        if (!new LibraryFolder(libraries).unpacked()) {
            try (HostScratch scratch = cache.scratch()) {
                TrainerPool pool = new TrainerPool(scratch.folder(), ExecutorHost.START_LIMIT);
                try {
                    unpack(pool, cache, jar);
                } finally {
                    pool.close();
                }
            }
        }
        Process process = builder.start();
        limit.ifPresent(most -> CompletableFuture.delayedExecutor(most.toMillis(), TimeUnit.MILLISECONDS)
                .execute(process::destroyForcibly));
        return ended(process, question, errors);
    }

    /** Any other program of the jar would unpack its libraries under the feet of a trainer that does the same. */
    private static void unpack(TrainerPool pool, HostCache cache, Path jar) throws IOException, InterruptedException {
        if (!new LibraryFolder(cache.nativeLibraries(jar)).unpacked()) {
            pool.discard(pool.take(key(cache, jar), Stopping.NEVER));
        }
    }

    private static TrainerKey key(HostCache cache, Path jar) {
        return CellSupervisor.key(RunPolicy.DEFAULT, 0, jar, List.of(), cache, List.of());
    }

    private static Ended ended(Process process, String question, Consumer<String> told)
            throws IOException, InterruptedException {
        Thread atExit = new Thread(process::destroyForcibly, "end of a trainer's program");
        Runtime.getRuntime().addShutdownHook(atExit);
        Thread errors = new Thread(() -> passOn(process.errorReader(StandardCharsets.UTF_8), told), "standard error");
        errors.setDaemon(true);
        errors.start();
        try (OutputStream in = process.getOutputStream()) {
            in.write(question.getBytes(StandardCharsets.UTF_8));
        } catch (IOException e) {
            // It has ended without reading; its status and words tell why.
            process.waitFor();
        }
        String text = new String(process.getInputStream().readAllBytes(), StandardCharsets.UTF_8);
        int status = process.waitFor();
        // Its last words come before ours.
        errors.join();
        try {
            Runtime.getRuntime().removeShutdownHook(atExit);
        } catch (IllegalStateException ending) {
            // This process is being ended; so is that one.
            return new Ended(status, text);
        }
        return new Ended(status, text);
    }

    /** All but what every JVM of ours says first. */
    private static void passOn(BufferedReader errors, Consumer<String> told) {
        errors.lines()
                .filter(line -> !line.startsWith(TrainerPool.INCUBATOR_WARNING))
                .forEach(told);
    }

    private static List<String> line(List<String> options, Path jar, String mainClass, List<String> arguments) {
        List<String> line = new ArrayList<>();
        line.add(Path.of(System.getProperty("java.home"), "bin", "java").toString());
        line.addAll(options);
        line.addAll(List.of("-cp", jar.toString(), mainClass));
        line.addAll(arguments);
        return line;
    }
}
