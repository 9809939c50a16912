package dev.powersweep.orchestrator.executor;

import dev.powersweep.orchestrator.dispatch.AttemptOrder;
import dev.powersweep.orchestrator.dispatch.AttemptReport;
import dev.powersweep.orchestrator.executor.host.HostCache;
import dev.powersweep.orchestrator.executor.trainer.Stopping;
import dev.powersweep.orchestrator.executor.trainer.TrainerEnvironment;
import dev.powersweep.orchestrator.executor.trainer.TrainerKey;
import dev.powersweep.orchestrator.executor.trainer.TrainerPool;
import dev.powersweep.orchestrator.plan.RunPolicy;
import dev.powersweep.orchestrator.storage.Storage;
import dev.powersweep.orchestrator.storage.SweepDirectory;
import dev.powersweep.worker.cell.CellListeners;
import dev.powersweep.worker.cell.Program;
import dev.powersweep.worker.cell.TrainerCommand;
import java.io.IOException;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.function.Supplier;

/**
 * Supervises attempts on one executor: gets a trainer, hands it the cell, stores what it says, and turns every way an
 * attempt can end into a report. Never throws for a cell's sake.
 */
final class CellSupervisor {

    /**
     * What all attempts of a sweep share on an executor.
     *
     * @param trainerMemoryBytes cap on a trainer's arrays; 0 for none
     * @param trainerJar gives the local path of the trainer's jar
     * @param witness of programs that are not ours
     */
    record Context(
            Storage storage,
            SweepDirectory directory,
            RunPolicy policy,
            long trainerMemoryBytes,
            TrainerJar trainerJar,
            HostCache cache,
            Path scratch,
            TrainerPool pool,
            Supplier<LiveUpdate.Sink> live,
            String host,
            String executor,
            ProgramWitness witness) {

        /** With nobody who watches programs. */
        Context(
                Storage storage,
                SweepDirectory directory,
                RunPolicy policy,
                long trainerMemoryBytes,
                TrainerJar trainerJar,
                HostCache cache,
                Path scratch,
                TrainerPool pool,
                Supplier<LiveUpdate.Sink> live,
                String host,
                String executor) {
            this(
                    storage,
                    directory,
                    policy,
                    trainerMemoryBytes,
                    trainerJar,
                    cache,
                    scratch,
                    pool,
                    live,
                    host,
                    executor,
                    ProgramWitness.NONE);
        }
    }

    /** Where the trainer's jar is, installed on this host when it is asked for. */
    @FunctionalInterface
    interface TrainerJar {
        Path path() throws IOException, InterruptedException;
    }

    private final Context context;

    CellSupervisor(Context context) {
        this.context = context;
    }

    /**
     * Trains one cell to its end, or as far as it goes. Calling it twice for one cell gives the stored outcome the
     * second time.
     *
     * @param gpuAddresses that the task was given; empty on CPUs
     */
    AttemptReport run(AttemptOrder order, List<String> gpuAddresses, Stopping stopping) {
        return new Attempt(context, order, gpuAddresses, stopping).run();
    }

    /**
     * The process that cells of this sweep are trained in, with the GPUs at these addresses.
     *
     * @param policy the sweep's, or the same with one cell at a time
     */
    static TrainerKey key(Context context, RunPolicy policy, List<String> gpuAddresses)
            throws IOException, InterruptedException {
        List<Path> listeners = new ArrayList<>();
        for (Program.File file :
                context.policy().listeners().map(CellListeners::files).orElse(List.of())) {
            listeners.add(context.cache().programFile(context.storage(), context.directory(), file.sha256()));
        }
        return key(
                policy,
                context.trainerMemoryBytes(),
                context.trainerJar().path(),
                listeners,
                context.cache(),
                gpuAddresses);
    }

    /** @param listeners local jars that follow the trainer's on its class path */
    static TrainerKey key(
            RunPolicy policy,
            long trainerMemoryBytes,
            Path jar,
            List<Path> listeners,
            HostCache cache,
            List<String> gpuAddresses) {
        Path nativeLibraries = cache.nativeLibraries(jar);
        TrainerCommand command = TrainerCommand.of(new TrainerCommand.Resources(
                policy.threadsPerCell(),
                trainerMemoryBytes,
                Optional.of(nativeLibraries),
                policy.gpusPerCell() > 0 ? Optional.of(gpuAddresses) : Optional.empty()));
        String javaHome = policy.trainerJava().orElseGet(() -> System.getProperty("java.home"));
        List<String> arguments =
                new ArrayList<>(List.of("serve", "--backend", policy.gpusPerCell() > 0 ? "cuda" : "cpu"));
        if (policy.cellsAtOnce() > 1) {
            arguments.addAll(List.of("--cells", Integer.toString(policy.cellsAtOnce())));
        }
        Map<String, String> environment = new HashMap<>(TrainerEnvironment.inherited());
        environment.putAll(command.environment());
        return new TrainerKey(
                command.line(Path.of(javaHome), jar, listeners, arguments),
                environment,
                nativeLibraries.toString(),
                // An archive of classes fits one class path.
                Optional.of(jar).filter(cached -> listeners.isEmpty() && cache.holds(cached)));
    }
}
