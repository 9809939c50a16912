package dev.powersweep.orchestrator.driver;

import dev.powersweep.orchestrator.dispatch.AttemptOrder;
import dev.powersweep.orchestrator.dispatch.AttemptReport;
import dev.powersweep.orchestrator.dispatch.Endings;
import dev.powersweep.orchestrator.dispatch.Outcome;
import dev.powersweep.orchestrator.executor.CellTask;
import dev.powersweep.orchestrator.ledger.LedgerJson;
import dev.powersweep.orchestrator.spark.ExecutorSlots;
import java.time.Duration;
import java.time.Instant;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Set;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.function.Consumer;
import org.apache.logging.log4j.LogManager;
import org.apache.logging.log4j.Logger;
import org.apache.spark.api.java.JavaRDD;
import org.apache.spark.api.java.JavaSparkContext;
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
    private static final long NO_SLOT_NANOS = TimeUnit.MINUTES.toNanos(1);
    private static final Duration PATIENCE = Duration.ofMinutes(2);

    private final JavaSparkContext spark;
    private final CellTask task;
    private final ExecutorSlots slots;
    private final LostTasks lostTasks = new LostTasks();
    private final ExecutorService waiting;
    private long noSlotSince = System.nanoTime();

    SparkAttempts(JavaSparkContext spark, CellTask.Setting setting) {
        this.spark = spark;
        this.task = new CellTask(
                spark.broadcast(LedgerJson.line(setting)),
                spark.broadcast(new SerializableConfiguration(spark.hadoopConfiguration())));
        this.slots = new ExecutorSlots(spark);
        spark.sc().addSparkListener(lostTasks);
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
        int count = slots.count();
        if (!excludedHosts.isEmpty()) {
            Map<String, Integer> hosts = slots.byHost();
            if (!excludedHosts.containsAll(hosts.keySet())) {
                int excluded = excludedHosts.stream()
                        .mapToInt(host -> hosts.getOrDefault(host, 0))
                        .sum();
                count = Math.max(0, count - excluded);
            }
        }
        tellOfNone(count);
        return count;
    }

    @Override
    public Set<String> hosts() {
        return usable() ? Set.copyOf(slots.byHost().keySet()) : Set.of();
    }

    @Override
    public boolean hostsMayCome() {
        return !spark.isLocal();
    }

    private void tellOfNone(int count) {
        if (count > 0) {
            noSlotSince = System.nanoTime();
        } else if (System.nanoTime() - noSlotSince > NO_SLOT_NANOS) {
            noSlotSince = System.nanoTime();
            LOG.warn(ofNone(spark.master(), spark.sc().applicationId()));
        }
    }

    static String ofNone(String master, String application) {
        return "--master " + master
                + ": no executor is left; cells wait until one comes, see the master's page for what is free"
                + (master.startsWith("spark://")
                        ? ". If that page does not list " + application
                                + ", the master was started anew and knows nothing of"
                                + " this run, to which no executor comes any more: end this command and submit again, which"
                                + " goes on where it stands"
                        : "");
    }

    @Override
    public boolean usable() {
        return !spark.sc().isStopped();
    }

    @Override
    public CompletableFuture<AttemptReport> begin(AttemptOrder order) {
        String group = order.gridCell().cell().id();
        Instant begun = Instant.now();
        CompletableFuture<AttemptReport> report = new CompletableFuture<>();
        Consumer<LostTasks.Loss> watcher = loss -> {
            if (report.isDone()) {
                return;
            }
            // Spark's own next attempt would only say so. A job that begins in this group later is not cancelled.
            spark.sc().cancelJobGroup(group);
            report.complete(lost(order, loss, begun));
        };
        lostTasks.watch(group, watcher);
        CompletableFuture.supplyAsync(() -> run(order), waiting).whenComplete((ended, failure) -> {
            lostTasks.forget(group, watcher);
            if (failure == null) {
                report.complete(ended);
            } else {
                report.completeExceptionally(failure);
            }
        });
        return report;
    }

    private static AttemptReport lost(AttemptOrder order, LostTasks.Loss loss, Instant begun) {
        return AttemptReport.untrained(
                order.gridCell().cell().id(),
                order.attempt(),
                Endings.executorLost(loss.executor(), loss.host(), loss.reason()),
                new AttemptReport.Place(loss.host(), loss.executor()),
                begun,
                Instant.now());
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
            hosts = slots.byHost().keySet().stream()
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
        if (usable()) {
            spark.sc().removeSparkListener(lostTasks);
        }
    }
}
