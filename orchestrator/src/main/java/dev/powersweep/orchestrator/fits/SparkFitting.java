package dev.powersweep.orchestrator.fits;

import dev.powersweep.fitting.FitOptions;
import dev.powersweep.fitting.FitResult;
import dev.powersweep.fitting.Fitting;
import dev.powersweep.fitting.law.Law;
import dev.powersweep.fitting.law.ParametricLaw;
import dev.powersweep.fitting.runs.Observations;
import dev.powersweep.fitting.uncertainty.ParametricFit;
import dev.powersweep.fitting.uncertainty.Refits;
import java.util.ArrayList;
import java.util.List;
import org.apache.logging.log4j.LogManager;
import org.apache.logging.log4j.Logger;
import org.apache.spark.api.java.JavaSparkContext;
import org.apache.spark.broadcast.Broadcast;

/**
 * Fits in the driver, the bootstrap of parametric laws on a cluster. A refit depends on its number alone, so that the result
 * is the same on any number of executors, and the same as without them.
 */
public final class SparkFitting implements Fitting {
    /** Refits a task makes, most often: long beside what a task costs Spark, short beside the whole. */
    private static final int REFITS_PER_TASK = 5000;

    private static final Logger LOG = LogManager.getLogger(SparkFitting.class);

    private final JavaSparkContext spark;

    /** Fits on this cluster. */
    public SparkFitting(JavaSparkContext spark) {
        this.spark = spark;
    }

    @Override
    public FitResult fit(Law law, Observations runs, FitOptions options) {
        if (!(law instanceof ParametricLaw parametric)) {
            return law.fit(runs, options);
        }
        parametric.refusal(runs).ifPresent(refused -> {
            throw refused;
        });
        return new ParametricFit(parametric, runs, options, this::refits).run();
    }

    private double[][] refits(Refits refits) {
        int count = refits.options().bootstrap();
        int slots = spark.defaultParallelism();
        int tasks = Math.max(slots, (count + REFITS_PER_TASK - 1) / REFITS_PER_TASK);
        List<Integer> numbers = new ArrayList<>();
        for (int task = 0; task < tasks; task++) {
            numbers.add(task);
        }
        // A task has one core; the threads of the driver are none of its business.
        Broadcast<Refits> shared = spark.broadcast(
                new Refits(refits.law(), refits.runs(), refits.options().threads(1), refits.starts()));
        long began = System.nanoTime();
        List<double[][]> parts = spark.parallelize(numbers, tasks)
                .map(task -> shared.value().run(share(count, task, tasks), share(count, task + 1, tasks)))
                .collect();
        LOG.info(
                "{} refits of {} in {} tasks: {} s",
                count,
                refits.law(),
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
