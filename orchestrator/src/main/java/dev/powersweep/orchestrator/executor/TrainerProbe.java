package dev.powersweep.orchestrator.executor;

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
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
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
            TrainerKey key = CellSupervisor.key(
                    RunPolicy.DEFAULT, 0, CellTask.trainerJar(Optional.empty(), host.cache()), host.cache(), List.of());
            return host.pool().take(key, Stopping.NEVER).ready();
        } finally {
            ExecutorHost.shutDown();
        }
    }

    /**
     * Runs another program of the trainer's jar to its end, on this process's streams.
     *
     * @return its exit status
     */
    public static int program(String mainClass, List<String> arguments) throws IOException, InterruptedException {
        return run(mainClass, arguments, builder -> builder.redirectOutput(ProcessBuilder.Redirect.INHERIT))
                .waitFor();
    }

    /**
     * Runs another program of the trainer's jar, which reads a text and writes one; its standard error is this process's.
     *
     * @return what it wrote; empty where it failed, and has said why
     */
    public static Optional<String> answer(String mainClass, List<String> arguments, String question)
            throws IOException, InterruptedException {
        Process process = run(mainClass, arguments, builder -> {});
        try (OutputStream in = process.getOutputStream()) {
            in.write(question.getBytes(StandardCharsets.UTF_8));
        }
        String answer = new String(process.getInputStream().readAllBytes(), StandardCharsets.UTF_8);
        return process.waitFor() == 0 ? Optional.of(answer) : Optional.empty();
    }

    /** What it says on standard error, but for what every JVM of ours says first. */
    private static void passOn(BufferedReader errors) {
        Thread thread = new Thread(
                () -> errors.lines()
                        .filter(line -> !line.startsWith(TrainerPool.INCUBATOR_WARNING))
                        .forEach(System.err::println),
                "standard error");
        thread.setDaemon(true);
        thread.start();
    }

    private static Process run(String mainClass, List<String> arguments, Consumer<ProcessBuilder> streams)
            throws IOException, InterruptedException {
        ExecutorHost host = ExecutorHost.get();
        try {
            Path jar = CellTask.trainerJar(Optional.empty(), host.cache());
            TrainerCommand trainer = TrainerCommand.of(new TrainerCommand.Resources(
                    1, 0, Optional.of(host.cache().nativeLibraries(jar)), Optional.empty()));
            List<String> command = new ArrayList<>();
            command.add(Path.of(System.getProperty("java.home"), "bin", "java").toString());
            // With all that the fast kernels need, but a heap for whole networks.
            command.addAll(trainer.jvmOptions());
            command.addAll(List.of("-XX:+TieredCompilation", "-Xmx" + HEAP, "-cp", jar.toString(), mainClass));
            command.addAll(arguments);
            ProcessBuilder builder = new ProcessBuilder(command);
            builder.environment().clear();
            builder.environment().putAll(TrainerEnvironment.inherited());
            builder.environment().putAll(trainer.environment());
            streams.accept(builder);
            Process process = builder.start();
            passOn(process.errorReader(StandardCharsets.UTF_8));
            Runtime.getRuntime().addShutdownHook(new Thread(process::destroyForcibly, "end of " + mainClass));
            return process;
        } finally {
            ExecutorHost.shutDown();
        }
    }
}
