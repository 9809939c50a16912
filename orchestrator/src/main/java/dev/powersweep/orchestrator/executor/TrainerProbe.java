package dev.powersweep.orchestrator.executor;

import dev.powersweep.orchestrator.executor.trainer.Stopping;
import dev.powersweep.orchestrator.executor.trainer.TrainerKey;
import dev.powersweep.orchestrator.plan.RunPolicy;
import dev.powersweep.worker.cell.Frame;
import java.io.IOException;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;

/** Starts a trainer on this machine as a supervisor would, and ends it again. */
public final class TrainerProbe {
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
        ExecutorHost host = ExecutorHost.get();
        try {
            Path jar = CellTask.trainerJar(Optional.empty(), host.cache());
            List<String> command = new ArrayList<>(List.of(
                    Path.of(System.getProperty("java.home"), "bin", "java").toString(),
                    "-XX:+UseSerialGC",
                    "-Dorg.bytedeco.javacpp.cachedir=" + host.cache().nativeLibraries(jar),
                    "-cp",
                    jar.toString(),
                    mainClass));
            command.addAll(arguments);
            return new ProcessBuilder(command).inheritIO().start().waitFor();
        } finally {
            ExecutorHost.shutDown();
        }
    }
}
