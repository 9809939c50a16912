package dev.powersweep.orchestrator.doctor;

import dev.powersweep.orchestrator.network.DriverNetwork;
import dev.powersweep.orchestrator.spark.ExecutorSlots;
import dev.powersweep.orchestrator.spark.ExecutorWait;
import dev.powersweep.orchestrator.spark.FixedExecutors;
import dev.powersweep.orchestrator.spark.LocalTasks;
import dev.powersweep.orchestrator.spark.StandaloneMaster;
import dev.powersweep.orchestrator.storage.UserError;
import java.io.Serializable;
import java.util.ArrayList;
import java.util.Comparator;
import java.util.List;
import java.util.Map;
import java.util.TreeMap;
import java.util.stream.IntStream;
import org.apache.spark.SparkConf;
import org.apache.spark.SparkEnv;
import org.apache.spark.TaskContext;
import org.apache.spark.api.java.JavaSparkContext;

/** Runs {@link MachineChecks} in a task of every executor of a master. */
final class ClusterChecks {
    private ClusterChecks() {}

    record ExecutorReport(String executor, String host, int cores, List<String> gpuAddresses, List<Finding> findings)
            implements Serializable {
        private ExecutorReport with(int ofExecutor) {
            return new ExecutorReport(executor, host, ofExecutor, gpuAddresses, findings);
        }
    }

    /** Throws {@link UserError} when the master gives no executor. */
    static List<ExecutorReport> run(String master) {
        SparkConf conf = new SparkConf()
                .setAppName("powersweep doctor")
                .setIfMissing("spark.master", master)
                .setIfMissing("spark.ui.enabled", "false")
                .setIfMissing("spark.locality.wait", "0");
        FixedExecutors.require(conf);
        LocalTasks.failOnly(conf);
        StandaloneMaster.requireAnswer(conf);
        try (JavaSparkContext spark = new JavaSparkContext(DriverNetwork.closed(conf))) {
            ExecutorWait.firstOrFail(spark);
            ExecutorWait.all(spark);
            ExecutorSlots executors = new ExecutorSlots(spark);
            int slots = Math.max(1, executors.count());
            Map<String, ExecutorReport> byExecutor = new TreeMap<>();
            spark.parallelize(IntStream.range(0, 4 * slots).boxed().toList(), 4 * slots)
                    .mapPartitions(ignored -> List.of(inspect()).iterator())
                    .collect()
                    .forEach(report -> byExecutor.putIfAbsent(report.executor(), report));
            // A task sees its machine's processors; an executor may have fewer.
            executors
                    .executors()
                    .forEach(executor ->
                            byExecutor.computeIfPresent(executor.id(), (id, report) -> report.with(executor.cores())));
            return byExecutor.values().stream()
                    .sorted(Comparator.comparing(ExecutorReport::host))
                    .toList();
        } catch (UserError e) {
            throw e;
        } catch (RuntimeException e) {
            throw new UserError(
                    "master " + master + " ran no job (" + e.getMessage()
                            + "); check that the URL is right, that workers are registered and that this machine can be"
                            + " reached from them",
                    e);
        }
    }

    private static ExecutorReport inspect() {
        List<String> gpus = new ArrayList<>();
        TaskContext.get().resourcesJMap().forEach((name, resource) -> gpus.addAll(List.of(resource.addresses())));
        SparkEnv environment = SparkEnv.get();
        return new ExecutorReport(
                environment.executorId(),
                environment.blockManager().blockManagerId().host(),
                Runtime.getRuntime().availableProcessors(),
                gpus,
                MachineChecks.run());
    }
}
