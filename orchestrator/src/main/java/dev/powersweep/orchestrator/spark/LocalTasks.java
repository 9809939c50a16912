package dev.powersweep.orchestrator.spark;

import java.util.regex.Pattern;
import org.apache.spark.SparkConf;

/**
 * Tasks of a local master, which run in the driver's own process. After an error that Spark holds for fatal, such as a
 * {@link StackOverflowError} or a JVM without room for compiled code, it ends the task's process with status 50 or 52:
 * right for an executor, of which the driver then tells, but here nobody would be left to say a word.
 */
public final class LocalTasks {
    /** How many causes of a failure Spark looks at for such an error. */
    private static final String DEPTH = "spark.executor.killOnFatalError.depth";

    private static final Pattern LOCAL = Pattern.compile("local(\\[.*])?");

    private LocalTasks() {}

    /** Has such an error fail its job, as any other does; a user's own setting stays. */
    public static void failOnly(SparkConf conf) {
        if (LOCAL.matcher(conf.get("spark.master")).matches()) {
            conf.setIfMissing(DEPTH, "0");
        }
    }
}
