package dev.powersweep.orchestrator.executor;

import dev.powersweep.orchestrator.dispatch.AttemptOrder;
import dev.powersweep.orchestrator.dispatch.AttemptReport;
import dev.powersweep.orchestrator.executor.trainer.Stopping;
import dev.powersweep.orchestrator.grid.GridCell;
import dev.powersweep.orchestrator.plan.RunPolicy;
import dev.powersweep.orchestrator.storage.SweepDirectory;
import java.io.IOException;
import java.util.List;
import java.util.UUID;
import java.util.stream.IntStream;
import org.apache.hadoop.conf.Configuration;

/** Attempts of a program on this machine, under the supervisor that executors have, without Spark. */
public final class ProgramTrial implements AutoCloseable {
    private final ExecutorHost host;
    private final SweepDirectory directory;
    private final Configuration configuration;
    private final RunPolicy policy;

    /** @param directory that holds the program's files, and takes what the attempts store */
    public ProgramTrial(SweepDirectory directory, Configuration configuration, RunPolicy policy) throws IOException {
        this.host = ExecutorHost.get();
        this.directory = directory;
        this.configuration = configuration;
        this.policy = policy;
    }

    /**
     * Makes an attempt, from what earlier ones have stored.
     *
     * @param timeoutSeconds after which it is ended
     */
    public AttemptReport attempt(
            GridCell cell, int attempt, double timeoutSeconds, ProgramWitness witness, Stopping stopping)
            throws IOException {
        CellSupervisor supervisor = new CellSupervisor(new CellSupervisor.Context(
                directory.storage(configuration),
                directory,
                policy,
                policy.trainerMemoryBytes(),
                () -> {
                    throw new IOException("a program needs no trainer");
                },
                host.cache(),
                host.scratch().resolve("trial-" + UUID.randomUUID()),
                host.pool(),
                () -> LiveUpdate.Sink.NONE,
                "here",
                "here",
                witness));
        List<String> gpus = IntStream.range(0, policy.gpusPerCell())
                .mapToObj(Integer::toString)
                .toList();
        return supervisor.run(new AttemptOrder(cell, attempt, 0, 0, timeoutSeconds), gpus, stopping);
    }

    @Override
    public void close() {
        ExecutorHost.shutDown();
    }
}
