package dev.powersweep.orchestrator.run;

import dev.powersweep.orchestrator.ledger.AttemptReport;
import dev.powersweep.orchestrator.ledger.LedgerJson;
import dev.powersweep.worker.cell.CellState;
import dev.powersweep.worker.cell.FailureClass;
import java.time.Instant;
import java.util.List;
import java.util.Optional;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.atomic.AtomicInteger;
import org.apache.logging.log4j.LogManager;
import org.apache.logging.log4j.Logger;
import org.apache.spark.api.java.JavaSparkContext;
import org.apache.spark.util.SerializableConfiguration;

/**
 * Attempts as Spark jobs of one task each: Spark finds the slot and tells of lost executors, a poison cell can abort no
 * other cell's job, and the stock UI shows each cell by name.
 */
final class SparkAttempts implements Attempts, AutoCloseable {
    private static final Logger LOG = LogManager.getLogger(SparkAttempts.class);

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
    public int slots() {
        return usable() ? Math.max(1, spark.sc().defaultParallelism() / coresPerTask) : 1;
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
            return LedgerJson.read(
                    spark.parallelize(List.of(LedgerJson.line(order)), 1)
                            .map(task)
                            .collect()
                            .get(0),
                    AttemptReport.class);
        } catch (Exception e) {
            // Spark declares no checked exceptions to Java but throws them.
            LOG.debug("the job of cell {} failed", cell, e);
            String reason = String.valueOf(e.getMessage()).lines().findFirst().orElse("");
            return new AttemptReport(
                    cell,
                    order.attempt(),
                    CellState.FAILED,
                    Optional.of(executorsFault(reason) ? FailureClass.LOST_EXECUTOR : FailureClass.BUG),
                    reason,
                    e.toString(),
                    0,
                    0,
                    Optional.empty(),
                    0,
                    0,
                    0,
                    begun,
                    Instant.now(),
                    "",
                    "",
                    Optional.empty(),
                    "");
        }
    }

    /** Whether a job failed for its executor's sake. A task of ours has no exception to fail with. */
    private boolean executorsFault(String reason) {
        return !usable()
                || reason.contains("ExecutorLostFailure")
                || reason.contains("cancelled")
                || reason.contains("killed")
                || reason.contains("FetchFailed")
                || reason.contains("shut down")
                || reason.contains("Lost task") && reason.contains("Resubmitted");
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
