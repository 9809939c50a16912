package dev.powersweep.orchestrator.run;

import dev.powersweep.orchestrator.dispatch.AttemptOrder;
import dev.powersweep.orchestrator.dispatch.AttemptReport;
import dev.powersweep.orchestrator.dispatch.Endings;
import dev.powersweep.orchestrator.dispatch.Outcome;
import dev.powersweep.orchestrator.ledger.LedgerJson;
import java.time.Duration;
import java.time.Instant;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Set;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicInteger;
import org.apache.logging.log4j.LogManager;
import org.apache.logging.log4j.Logger;
import org.apache.spark.api.java.JavaRDD;
import org.apache.spark.api.java.JavaSparkContext;
import org.apache.spark.status.api.v1.ExecutorSummary;
import org.apache.spark.util.SerializableConfiguration;
import scala.Tuple2;
import scala.collection.immutable.Seq;
import scala.jdk.javaapi.CollectionConverters;
import scala.reflect.ClassTag;
import scala.reflect.ClassTag$;

/**
 * Attempts as Spark jobs of one task each: Spark finds the slot and tells of lost executors, a poison cell can abort no
 * other cell's job, and the stock UI shows each cell by name.
 */
final class SparkAttempts implements Attempts, AutoCloseable {
    private static final Logger LOG = LogManager.getLogger(SparkAttempts.class);

    private static final long REFUSED_PAUSE_MILLIS = 500;
    private static final Duration PATIENCE = Duration.ofMinutes(2);

    private final JavaSparkContext spark;
    private final CellTask task;
    private final int coresPerTask;
    private final ExecutorService waiting;

    SparkAttempts(JavaSparkContext spark, CellTask.Setting setting) {
        this.spark = spark;
        this.task = new CellTask(
                spark.broadcast(LedgerJson.line(setting)),
                spark.broadcast(new SerializableConfiguration(spark.hadoopConfiguration())));
        this.coresPerTask = spark.getConf().getInt("spark.task.cpus", 1);
        AtomicInteger number = new AtomicInteger();
        this.waiting = Executors.newCachedThreadPool(runnable -> {
            Thread thread = new Thread(runnable, "cell-" + number.incrementAndGet());
            thread.setDaemon(true);
            return thread;
        });
    }

    @Override
    public int slots(Set<String> excludedHosts) {
        if (!usable()) {
            return 1;
        }
        int cores = spark.sc().defaultParallelism();
        if (!excludedHosts.isEmpty()) {
            Map<String, Integer> coresOfHosts = coresOfHosts();
            if (!excludedHosts.containsAll(coresOfHosts.keySet())) {
                cores -= excludedHosts.stream()
                        .mapToInt(host -> coresOfHosts.getOrDefault(host, 0))
                        .sum();
            }
        }
        return Math.max(1, cores / coresPerTask);
    }

    @Override
    public Set<String> hosts() {
        return usable() ? Set.copyOf(coresOfHosts().keySet()) : Set.of();
    }

    /** Cores of the executors that are there, by the host's name. */
    private Map<String, Integer> coresOfHosts() {
        Map<String, Integer> cores = new HashMap<>();
        Seq<ExecutorSummary> executors = spark.sc().statusStore().executorList(true);
        for (ExecutorSummary executor : CollectionConverters.asJava(executors)) {
            if (executor.totalCores() > 0) {
                cores.merge(executor.hostPort().replaceFirst(":\\d+$", ""), executor.totalCores(), Integer::sum);
            }
        }
        return cores;
    }

    @Override
    public boolean usable() {
        return !spark.sc().isStopped();
    }

    @Override
    public CompletableFuture<AttemptReport> begin(AttemptOrder order) {
        return CompletableFuture.supplyAsync(() -> run(order), waiting);
    }

    private AttemptReport run(AttemptOrder order) {
        String cell = order.gridCell().cell().id();
        Instant begun = Instant.now();
        String description = order.attempt() == 1
                ? order.gridCell().name()
                : order.gridCell().name() + " (attempt " + order.attempt() + ")";
        try {
            // Not by interrupt: a task that is told to stop lets its trainer write a checkpoint first.
            spark.setJobGroup(cell, description, false);
            Optional<String> report = report(order, begun);
            while (report.isEmpty()) {
                // Offered a host that it avoids, for want of others at that moment.
                TimeUnit.MILLISECONDS.sleep(REFUSED_PAUSE_MILLIS);
                report = report(order, begun);
            }
            if (report.get().equals(CellTask.LOST)) {
                return untrained(order, begun, Endings.executorLost());
            }
            return LedgerJson.read(report.get(), AttemptReport.class);
        } catch (Exception e) {
            // Spark declares no checked exceptions to Java but throws them.
            LOG.warn("the job of cell {} failed: {}", cell, e.toString());
            String reason = String.valueOf(e.getMessage()).lines().findFirst().orElse("");
            return untrained(order, begun, Endings.jobFailed(reason, e.toString(), !usable()));
        }
    }

    private static AttemptReport untrained(AttemptOrder order, Instant begun, Outcome outcome) {
        return AttemptReport.untrained(
                order.gridCell().cell().id(),
                order.attempt(),
                outcome,
                AttemptReport.Place.UNKNOWN,
                begun,
                Instant.now());
    }

    /** Runs the attempt where the order allows it; empty when Spark had no such place. */
    private Optional<String> report(AttemptOrder order, Instant begun) {
        List<String> hosts = List.of();
        AttemptOrder placed = order;
        if (!order.avoidHosts().isEmpty()) {
            hosts = coresOfHosts().keySet().stream()
                    .filter(host -> !order.avoidHosts().contains(host))
                    .toList();
            if (hosts.isEmpty()) {
                // Hosts that it need not avoid are away, and may come back.
                if (Duration.between(begun, Instant.now()).compareTo(PATIENCE) < 0) {
                    return Optional.empty();
                }
                placed = order.anywhere();
            }
        }
        ClassTag<String> text = ClassTag$.MODULE$.apply(String.class);
        Tuple2<String, Seq<String>> preferring = new Tuple2<>(
                LedgerJson.line(placed), CollectionConverters.asScala(hosts).toSeq());
        String report = JavaRDD.fromRDD(
                        spark.sc()
                                .makeRDD(
                                        CollectionConverters.asScala(List.of(preferring))
                                                .toSeq(),
                                        text),
                        text)
                .map(task)
                .collect()
                .get(0);
        return report.equals(CellTask.REFUSED) ? Optional.empty() : Optional.of(report);
    }

    @Override
    public void cancelAll(String reason) {
        if (usable()) {
            spark.cancelAllJobs();
        }
    }

    @Override
    public void close() {
        waiting.shutdown();
    }
}
