package dev.powersweep.orchestrator.spark;

import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.locks.LockSupport;
import org.apache.spark.SparkConf;
import org.apache.spark.api.java.JavaSparkContext;
import org.apache.spark.status.api.v1.ExecutorSummary;
import scala.Tuple2;
import scala.collection.immutable.Seq;
import scala.jdk.javaapi.CollectionConverters;

/**
 * The slots of a Spark application: tasks that its living executors can run at once, ⌊cores / {@code spark.task.cpus}⌋ of
 * each executor and no more than its GPUs suffice for. Asked anew at every call, since executors come and go. Spark's own
 * {@code defaultParallelism} is no such number: on a cluster it is at least 2, and a setting overrides it.
 */
public final class ExecutorSlots {
    private static final String TASK_RESOURCE = "spark.task.resource.";
    private static final String AMOUNT = ".amount";
    private static final long LOCAL_START_SECONDS = 10;
    private static final long POLL_MILLIS = 10;

    /**
     * A living executor.
     *
     * @param host as Spark's scheduler names it
     * @param slots tasks at once, ≥ 0
     */
    public record Executor(String id, String host, int cores, int slots) {}

    private final JavaSparkContext spark;
    private final int cpus;
    private final Map<String, Double> resources;

    /** Of this application. */
    public ExecutorSlots(JavaSparkContext spark) {
        this.spark = spark;
        SparkConf conf = spark.getConf();
        this.cpus = Math.max(1, conf.getInt("spark.task.cpus", 1));
        this.resources = resources(conf);
    }

    private static Map<String, Double> resources(SparkConf conf) {
        Map<String, Double> resources = new HashMap<>();
        for (Tuple2<String, String> setting : conf.getAllWithPrefix(TASK_RESOURCE)) {
            if (setting._1().endsWith(AMOUNT)) {
                String name = setting._1().substring(0, setting._1().length() - AMOUNT.length());
                resources.put(name, Double.parseDouble(setting._2()));
            }
        }
        return resources;
    }

    /** Cores that Spark sets aside for a task. */
    public int cpusPerTask() {
        return cpus;
    }

    /**
     * Tasks at once on all executors, as the scheduler itself counts them; 0 while there is none. An executor that is lost
     * counts no more by the time that the end of its tasks is told.
     */
    public int count() {
        if (spark.sc().isStopped()) {
            return 0;
        }
        return spark.sc()
                .maxNumConcurrentTasks(spark.sc().resourceProfileManager().defaultResourceProfile());
    }

    /** Tasks at once by host; an executor is told of here a moment later than in {@link #count}. */
    public Map<String, Integer> byHost() {
        Map<String, Integer> hosts = new HashMap<>();
        executors().forEach(executor -> hosts.merge(executor.host(), executor.slots(), Integer::sum));
        return hosts;
    }

    /** The executors that are there now. */
    public List<Executor> executors() {
        List<Executor> executors = listed();
        // Spark tells of the one executor of local mode a moment after it has started.
        long end = System.nanoTime() + TimeUnit.SECONDS.toNanos(LOCAL_START_SECONDS);
        while (executors.isEmpty() && spark.isLocal() && !spark.sc().isStopped() && System.nanoTime() < end) {
            LockSupport.parkNanos(TimeUnit.MILLISECONDS.toNanos(POLL_MILLIS));
            executors = listed();
        }
        return executors;
    }

    private List<Executor> listed() {
        Seq<ExecutorSummary> summaries = spark.sc().statusStore().executorList(true);
        return CollectionConverters.asJava(summaries).stream()
                // On a cluster the driver is listed, too, without cores.
                .filter(executor -> executor.totalCores() > 0 && !executor.isExcluded())
                .map(this::of)
                .toList();
    }

    private Executor of(ExecutorSummary executor) {
        Map<String, Integer> addresses = new HashMap<>();
        CollectionConverters.asJava(executor.resources())
                .forEach((name, found) -> addresses.put(name, found.addresses().length));
        return new Executor(
                executor.id(),
                executor.hostPort().replaceFirst(":\\d+$", ""),
                executor.totalCores(),
                slots(executor.totalCores(), cpus, addresses, resources));
    }

    /**
     * Tasks at once on one executor.
     *
     * @param addresses of its resources, how many of each
     * @param perTask amount of each resource that a task takes; less than 1 where tasks share an address
     */
    static int slots(int cores, int cpusPerTask, Map<String, Integer> addresses, Map<String, Double> perTask) {
        int slots = cores / cpusPerTask;
        for (Map.Entry<String, Double> resource : perTask.entrySet()) {
            int there = addresses.getOrDefault(resource.getKey(), 0);
            double amount = resource.getValue();
            if (amount > 0) {
                int tasks = amount < 1 ? there * (int) Math.floor(1 / amount + 1e-9) : (int) (there / amount);
                slots = Math.min(slots, tasks);
            }
        }
        return slots;
    }

    /** Why a task finds no slot although there are executors; empty where it finds one, or where there is none. */
    Optional<String> tooSmall() {
        return tooSmall(executors(), cpus, resources);
    }

    static Optional<String> tooSmall(List<Executor> executors, int cpus, Map<String, Double> resources) {
        if (executors.isEmpty() || executors.stream().anyMatch(executor -> executor.slots() > 0)) {
            return Optional.empty();
        }
        int most = executors.stream().mapToInt(Executor::cores).max().orElse(0);
        return Optional.of(
                cpus > most
                        ? "a cell takes " + cpus + " cores (resources.threads, spark.task.cpus), and the largest of "
                                + executors.size() + " executors has " + most
                        : "a cell takes " + resources + " (resources.gpus, spark.task.resource), and none of "
                                + executors.size() + " executors has that many");
    }
}
