package dev.powersweep.orchestrator.run;

import dev.powersweep.orchestrator.ledger.AttemptReport;
import dev.powersweep.orchestrator.ledger.LedgerJson;
import dev.powersweep.orchestrator.plan.RunPolicy;
import dev.powersweep.orchestrator.storage.Storage;
import dev.powersweep.orchestrator.storage.SweepDirectory;
import java.io.IOException;
import java.io.InputStream;
import java.io.Serial;
import java.net.InetAddress;
import java.nio.file.Path;
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

    /** Where the application's jar carries the trainer's. */
    static final String TRAINER_RESOURCE = "/trainer/powersweep-trainer.jar";

    private static final int HASH_DIGITS = 16;

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
        Map<String, ResourceInformation> resources = task.resourcesJMap();
        List<String> gpus =
                resources.containsKey("gpu") ? List.of(resources.get("gpu").addresses()) : List.of();
        AttemptReport report = new CellSupervisor(surroundings()).run(order, gpus, task::isInterrupted);
        return LedgerJson.line(report);
    }

    private CellSupervisor.Surroundings surroundings() throws IOException {
        Setting values = LedgerJson.read(setting.value(), Setting.class);
        org.apache.hadoop.fs.Path root = new org.apache.hadoop.fs.Path(values.root());
        ExecutorHost host = ExecutorHost.get();
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
                InetAddress.getLocalHost().getHostName(),
                SparkEnv.get().executorId());
    }

    static Path trainerJar(Optional<String> named, HostCache cache) throws IOException, InterruptedException {
        if (named.isPresent()) {
            return Path.of(named.get());
        }
        return cache.installJar(TrainerHash.VALUE, CellTask::resource);
    }

    /** Identity of the trainer's jar in the application's. */
    static String trainerHash() {
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
                return Digests.sha256(in).substring(0, HASH_DIGITS);
            } catch (IOException e) {
                throw new java.io.UncheckedIOException(e);
            }
        }
    }
}
