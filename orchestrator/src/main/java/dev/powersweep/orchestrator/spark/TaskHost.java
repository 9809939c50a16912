package dev.powersweep.orchestrator.spark;

import java.util.regex.Matcher;
import java.util.regex.Pattern;
import org.apache.spark.SparkEnv;

/** Where a task runs, for messages about files that not every host sees. */
public final class TaskHost {
    private static final String DRIVER = "driver";
    /** Of a job's failure, as Spark words it: {@code (TID 5) (127.0.0.2 executor 1)}. */
    private static final Pattern LOST_TASK = Pattern.compile("\\(TID \\d+\\) \\((\\S+) executor (\\S+)\\)");

    private TaskHost() {}

    /** What to append to a message: the host of the executor that calls, or nothing in local mode and outside Spark. */
    public static String inWords() {
        SparkEnv environment = SparkEnv.get();
        if (environment == null || environment.executorId().equals(DRIVER)) {
            return "";
        }
        return words(environment.blockManager().blockManagerId().host());
    }

    /** The same for a job that failed: the host of the task that Spark gave up. */
    public static String inWords(Throwable jobFailure) {
        for (Throwable each = jobFailure; each != null; each = each.getCause()) {
            Matcher task = LOST_TASK.matcher(String.valueOf(each.getMessage()));
            if (task.find()) {
                return task.group(2).equals(DRIVER) ? "" : words(task.group(1));
            }
        }
        return "";
    }

    private static String words(String host) {
        return " (seen on host " + host + "; every host of the cluster must reach it)";
    }
}
