package dev.powersweep.orchestrator.spark;

import dev.powersweep.orchestrator.storage.UserError;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.locks.LockSupport;
import org.apache.logging.log4j.LogManager;
import org.apache.logging.log4j.Logger;
import org.apache.spark.api.java.JavaSparkContext;

/**
 * Waits for the executors of a cluster. Spark itself waits without end and without a word where no worker has the memory or
 * the cores, as while another application holds them all.
 */
public final class ExecutorWait {
    private static final Logger LOG = LogManager.getLogger(ExecutorWait.class);

    /** How long a fit waits for a first executor, as Spark's other times are set. */
    private static final String EXECUTOR_WAIT = "spark.powersweep.executorWait";

    private static final double SECONDS_BETWEEN_WORDS = 30;
    /** Executors of one application come within a second or two of each other. */
    private static final double SETTLED_SECONDS = 2;

    private static final double MOST_SETTLING_SECONDS = 20;
    private static final long POLL_MILLIS = 100;

    private ExecutorWait() {}

    /**
     * For work that is as well done elsewhere.
     *
     * @throws UserError where no executor has come within {@value #EXECUTOR_WAIT}, by default two minutes
     */
    public static void firstOrFail(JavaSparkContext spark) {
        long seconds = spark.getConf().getTimeAsSeconds(EXECUTOR_WAIT, "120s");
        long begun = System.nanoTime();
        while (none(spark)) {
            if (since(begun) > seconds) {
                throw new UserError(
                        "--master " + spark.master() + ": no executor came within " + seconds + " s; " + remedy(spark));
            }
            pause();
        }
    }

    /** For a sweep, which waits in a queue as long as it takes; says from time to time that it does. */
    public static void first(JavaSparkContext spark) {
        long said = System.nanoTime();
        while (none(spark)) {
            if (since(said) > SECONDS_BETWEEN_WORDS) {
                said = System.nanoTime();
                LOG.warn("--master {}: still no executor; {}", spark.master(), remedy(spark));
            }
            pause();
        }
    }

    /**
     * Until no further executor comes, so that slots can be counted and their speed be measured.
     *
     * @throws UserError where no executor is large enough for a cell
     */
    public static void all(JavaSparkContext spark) {
        first(spark);
        int most = spark.getConf().getInt("spark.cores.max", Integer.MAX_VALUE);
        long begun = System.nanoTime();
        long grown = begun;
        ExecutorSlots slots = new ExecutorSlots(spark);
        int count = slots.count();
        while (!spark.isLocal()
                && (long) count * slots.cpusPerTask() < most
                && since(grown) < SETTLED_SECONDS
                && since(begun) < MOST_SETTLING_SECONDS) {
            pause();
            int now = slots.count();
            if (now > count) {
                grown = System.nanoTime();
            }
            count = now;
        }
        slots.tooSmall().ifPresent(reason -> {
            throw new UserError("--master " + spark.master() + ": " + reason
                    + "; give executors more cores or GPUs, or a cell fewer threads or GPUs");
        });
    }

    private static boolean none(JavaSparkContext spark) {
        if (spark.isLocal()) {
            return false;
        }
        if (spark.sc().isStopped()) {
            throw new UserError("--master " + spark.master()
                    + ": Spark gave up, since no master answers there or it ended the application; check the URL"
                    + " (a standalone master's page shows its own) and the master's log");
        }
        return new ExecutorSlots(spark).executors().isEmpty();
    }

    private static String remedy(JavaSparkContext spark) {
        return "each needs " + spark.getConf().get("spark.executor.memory", "1g")
                + " of a worker's memory and a free core, see the master's page for what is free, or set"
                + " POWERSWEEP_SUBMIT_OPTIONS=\"--conf spark.executor.memory=512m --conf spark.cores.max=2\"";
    }

    private static void pause() {
        LockSupport.parkNanos(TimeUnit.MILLISECONDS.toNanos(POLL_MILLIS));
    }

    private static double since(long nanos) {
        return (System.nanoTime() - nanos) / 1e9;
    }
}
