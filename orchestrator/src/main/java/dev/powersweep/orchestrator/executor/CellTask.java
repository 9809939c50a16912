package dev.powersweep.orchestrator.executor;

import dev.powersweep.orchestrator.dispatch.AttemptOrder;
import dev.powersweep.orchestrator.dispatch.AttemptReport;
import dev.powersweep.orchestrator.dispatch.Endings;
import dev.powersweep.orchestrator.dispatch.Fault;
import dev.powersweep.orchestrator.executor.host.HostCache;
import dev.powersweep.orchestrator.ledger.LedgerJson;
import dev.powersweep.orchestrator.plan.RunPolicy;
import dev.powersweep.orchestrator.storage.Storage;
import dev.powersweep.orchestrator.storage.SweepDirectory;
import java.io.IOException;
import java.io.Serial;
import java.net.InetAddress;
import java.net.UnknownHostException;
import java.nio.file.Path;
import java.time.Instant;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import org.apache.logging.log4j.LogManager;
import org.apache.logging.log4j.Logger;
import org.apache.spark.SparkEnv;
import org.apache.spark.TaskContext;
import org.apache.spark.api.java.function.Function;
import org.apache.spark.broadcast.Broadcast;
import org.apache.spark.resource.ResourceInformation;
import org.apache.spark.util.SerializableConfiguration;

/** The Spark task of one attempt: order in, report out, both as JSON; it fails only when the executor does. */
public final class CellTask implements Function<String, String> {
    @Serial
    private static final long serialVersionUID = 1L;

    private static final Logger LOG = LogManager.getLogger(CellTask.class);

    /** In place of a report: the executor of the attempt was lost, and Spark tries the task again. */
    public static final String LOST = "lost";

    /** In place of a report: this host is one that the order avoids. */
    public static final String REFUSED = "refused";

    /**
     * What every task of a sweep needs, as JSON, since not all of it is {@link java.io.Serializable}.
     *
     * @param trainerJar path on every host; empty for the one in the application's jar
     */
    public record Setting(String root, RunPolicy policy, long trainerMemoryBytes, Optional<String> trainerJar) {}

    private final Broadcast<String> setting;
    private final Broadcast<SerializableConfiguration> configuration;

    public CellTask(Broadcast<String> setting, Broadcast<SerializableConfiguration> configuration) {
        this.setting = setting;
        this.configuration = configuration;
    }

    @Override
    public String call(String orderJson) {
        AttemptOrder order = LedgerJson.read(orderJson, AttemptOrder.class);
        TaskContext task = TaskContext.get();
        if (task.attemptNumber() > 0) {
            // The sweep's own policy decides about another attempt, and the ledger knows about it first.
            return LOST;
        }
        if (order.avoidHosts().contains(sparkHost())) {
            return REFUSED;
        }
        Instant started = Instant.now();
        Fault.Stage stage = Fault.Stage.HOST;
        AttemptReport report;
        try {
            ExecutorHost host = ExecutorHost.get();
            stage = Fault.Stage.STORE;
            report = new CellSupervisor(context(host)).run(order, gpus(task), task::isInterrupted);
        } catch (Throwable e) {
            // Were it to leave the task, Spark would try again and all that the ledger could say is that it was lost.
            LOG.error(
                    "attempt {} of {} failed", order.attempt(), order.gridCell().name(), e);
            report = failed(order, started, Faults.of(e, stage, List.of()));
        }
        return LedgerJson.line(report);
    }

    private static List<String> gpus(TaskContext task) {
        Map<String, ResourceInformation> resources = task.resourcesJMap();
        return resources.containsKey("gpu") ? List.of(resources.get("gpu").addresses()) : List.of();
    }

    private static AttemptReport failed(AttemptOrder order, Instant started, Fault fault) {
        String host = host();
        return AttemptReport.untrained(
                order.gridCell().cell().id(),
                order.attempt(),
                Endings.thrown(fault, host, Optional.empty()),
                new AttemptReport.Place(host, SparkEnv.get().executorId()),
                started,
                Instant.now());
    }

    private CellSupervisor.Context context(ExecutorHost host) throws IOException {
        Setting values = LedgerJson.read(setting.value(), Setting.class);
        org.apache.hadoop.fs.Path root = new org.apache.hadoop.fs.Path(values.root());
        return new CellSupervisor.Context(
                Storage.below(root, configuration.value().value()),
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
    private static String host() {
        if (!SparkEnv.get().executorId().equals("driver")) {
            return sparkHost();
        }
        try {
            return InetAddress.getLocalHost().getHostName();
        } catch (UnknownHostException e) {
            return sparkHost();
        }
    }

    private static String sparkHost() {
        return SparkEnv.get().blockManager().blockManagerId().host();
    }

    static Path trainerJar(Optional<String> named, HostCache cache) throws IOException, InterruptedException {
        if (named.isPresent()) {
            return Path.of(named.get());
        }
        return PackedTrainer.find().install(cache);
    }
}
