package dev.powersweep.orchestrator.fits;

import dev.powersweep.fitting.uncertainty.Refits;
import dev.powersweep.orchestrator.spark.ExecutorSlots;
import java.util.ArrayList;
import java.util.List;
import org.apache.logging.log4j.LogManager;
import org.apache.logging.log4j.Logger;
import org.apache.spark.api.java.JavaSparkContext;
import org.apache.spark.broadcast.Broadcast;

/**
 * Bootstrap refits of parametric laws, spread over a cluster. A refit depends on its number alone, so that the result is the
 * same on any number of executors, and the same as without them.
 */
public final class SparkRefits implements Refits.Runner {
    /** Refits a task makes, most often: long beside what a task costs Spark, short beside the whole. */
    private static final int REFITS_PER_TASK = 5000;

    private static final Logger LOG = LogManager.getLogger(SparkRefits.class);

    private final JavaSparkContext spark;

    /** Refits on this cluster. */
    public SparkRefits(JavaSparkContext spark) {
        this.spark = spark;
    }

    @Override
    public double[][] all(Refits refits) {
        int count = refits.options().bootstrap();
        int slots = Math.max(1, new ExecutorSlots(spark).count());
        int tasks = Math.max(slots, (count + REFITS_PER_TASK - 1) / REFITS_PER_TASK);
        List<Integer> numbers = new ArrayList<>();
        for (int task = 0; task < tasks; task++) {
            numbers.add(task);
        }
        // A task has one core, whatever the number of threads in the driver.
        Broadcast<Refits> shared = spark.broadcast(
                new Refits(refits.law(), refits.runs(), refits.options().threads(1), refits.starts()));
        long began = System.nanoTime();
        List<double[][]> parts = spark.parallelize(numbers, tasks)
                .map(task -> shared.value().run(share(count, task, tasks), share(count, task + 1, tasks)))
                .collect();
        LOG.info(
                "{} refits of {} in {} tasks: {} s",
                count,
                refits.law().name(),
                tasks,
                String.format(java.util.Locale.ROOT, "%.1f", (System.nanoTime() - began) / 1e9));
        shared.destroy();
        return parts.stream().flatMap(java.util.Arrays::stream).toArray(double[][]::new);
    }

    /** Where a task begins when so many are shared out evenly. */
    private static int share(int count, int task, int tasks) {
        return (int) ((long) count * task / tasks);
    }
}
