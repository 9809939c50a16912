package dev.powersweep.orchestrator.run;

import dev.powersweep.orchestrator.ledger.AttemptReport;
import dev.powersweep.orchestrator.ledger.LedgerJson;
import dev.powersweep.orchestrator.plan.RunPolicy;
import dev.powersweep.orchestrator.storage.Storage;
import dev.powersweep.orchestrator.storage.SweepDirectory;
import dev.powersweep.worker.cell.FailureClass;
import java.io.IOException;
import java.io.InputStream;
import java.io.Serial;
import java.net.InetAddress;
import java.nio.file.Path;
import java.time.Instant;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import org.apache.spark.SparkEnv;
import org.apache.spark.TaskContext;
import org.apache.spark.api.java.function.Function;
import org.apache.spark.broadcast.Broadcast;
import org.apache.spark.resource.ResourceInformation;
import org.apache.spark.util.SerializableConfiguration;

/** The Spark task of one attempt: order in, report out, both as JSON; it fails only when the executor does. */
final class CellTask implements Function<String, String> {
    @Serial
    private static final long serialVersionUID = 1L;

    /** In place of a report: the executor of the attempt was lost, and Spark tries the task again. */
    static final String LOST = "lost";

    /** In place of a report: this host is one that the order avoids. */
    static final String REFUSED = "refused";

    /** Where the application's jar carries the trainer's. */
    static final String TRAINER_RESOURCE = "/trainer/powersweep-trainer.jar";

    /**
     * What every task of a sweep needs, as JSON, since not all of it is {@link java.io.Serializable}.
     *
     * @param trainerJar path on every host; empty for the one in the application's jar
     */
    record Setting(String root, RunPolicy policy, long trainerMemoryBytes, Optional<String> trainerJar) {}

    private final Broadcast<String> setting;
    private final Broadcast<SerializableConfiguration> configuration;

    CellTask(Broadcast<String> setting, Broadcast<SerializableConfiguration> configuration) {
        this.setting = setting;
        this.configuration = configuration;
    }

    @Override
    public String call(String orderJson) throws IOException {
        AttemptOrder order = LedgerJson.read(orderJson, AttemptOrder.class);
        TaskContext task = TaskContext.get();
        if (task.attemptNumber() > 0) {
            // The sweep's own policy decides about another attempt, and the ledger knows about it first.
            return LOST;
        }
        if (order.avoidHosts().contains(sparkHost())) {
            return REFUSED;
        }
        Map<String, ResourceInformation> resources = task.resourcesJMap();
        List<String> gpus =
                resources.containsKey("gpu") ? List.of(resources.get("gpu").addresses()) : List.of();
        Instant started = Instant.now();
        ExecutorHost host;
        try {
            host = ExecutorHost.get();
        } catch (IOException e) {
            return failed(order, started, FailureClass.BAD_NODE, "no place for scratch files here: " + e);
        }
        CellSupervisor.Surroundings surroundings;
        try {
            surroundings = surroundings(host);
        } catch (IOException e) {
            return failed(order, started, FailureClass.IO, "the sweep's directory is out of reach: " + e);
        }
        return LedgerJson.line(new CellSupervisor(surroundings).run(order, gpus, task::isInterrupted));
    }

    private static String failed(AttemptOrder order, Instant started, FailureClass failure, String message)
            throws IOException {
        return LedgerJson.line(AttemptReport.untrained(
                order.gridCell().cell().id(),
                order.attempt(),
                new AttemptReport.Trouble(failure, message, ""),
                new AttemptReport.Place(host(), SparkEnv.get().executorId()),
                started,
                Instant.now()));
    }

    private CellSupervisor.Surroundings surroundings(ExecutorHost host) throws IOException {
        Setting values = LedgerJson.read(setting.value(), Setting.class);
        org.apache.hadoop.fs.Path root = new org.apache.hadoop.fs.Path(values.root());
        return new CellSupervisor.Surroundings(
                Storage.of(root, configuration.value().value()),
                new SweepDirectory(root),
                values.policy(),
                values.trainerMemoryBytes(),
                () -> trainerJar(values.trainerJar(), host.cache()),
                host.cache(),
                host.scratch(),
                host.pool(),
                host::live,
                host(),
                SparkEnv.get().executorId());
    }

    /** As Spark's scheduler and pages name it; in local mode that would always be the loopback. */
    private static String host() throws IOException {
        return SparkEnv.get().executorId().equals("driver")
                ? InetAddress.getLocalHost().getHostName()
                : sparkHost();
    }

    private static String sparkHost() {
        return SparkEnv.get().blockManager().blockManagerId().host();
    }

    static Path trainerJar(Optional<String> named, HostCache cache) throws IOException, InterruptedException {
        if (named.isPresent()) {
            return Path.of(named.get());
        }
        return cache.installJar(trainerHash(), CellTask::resource);
    }

    /**
     * Identity of the trainer's jar in the application's.
     *
     * @throws IOException when there is none, as in a build that was not packaged
     */
    static String trainerHash() throws IOException {
        resource().close();
        return TrainerHash.VALUE;
    }

    private static InputStream resource() throws IOException {
        InputStream in = CellTask.class.getResourceAsStream(TRAINER_RESOURCE);
        if (in == null) {
            throw new IOException("the application jar carries no trainer (" + TRAINER_RESOURCE
                    + "); build it with ./mvnw package, or name one in spark.powersweep.trainerJar");
        }
        return in;
    }

    /** Computed once an executor: reading a hundred megabytes for every cell would show. */
    private static final class TrainerHash {
        static final String VALUE = compute();

        private static String compute() {
            try (InputStream in = resource()) {
                return Digests.sha256(in);
            } catch (IOException e) {
                throw new java.io.UncheckedIOException(e);
            }
        }
    }
}
