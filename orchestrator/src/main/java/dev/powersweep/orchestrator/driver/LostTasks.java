package dev.powersweep.orchestrator.driver;

import java.util.Map;
import java.util.Optional;
import java.util.concurrent.ConcurrentHashMap;
import java.util.function.Consumer;
import org.apache.spark.ExecutorLostFailure;
import org.apache.spark.scheduler.SparkListener;
import org.apache.spark.scheduler.SparkListenerJobStart;
import org.apache.spark.scheduler.SparkListenerStageCompleted;
import org.apache.spark.scheduler.SparkListenerTaskEnd;

/**
 * Hears of a task whose executor was removed when Spark does. The job itself ends only after the task's second attempt,
 * which begins when a slot is free: hours later where all slots train long cells.
 */
final class LostTasks extends SparkListener {
    private static final String JOB_GROUP = "spark.jobGroup.id";

    /**
     * The end of an executor while it ran a task.
     *
     * @param reason as Spark tells it; may be empty
     */
    record Loss(String host, String executor, String reason) {}

    private final Map<String, Consumer<Loss>> groups = new ConcurrentHashMap<>();
    /** By stage and not by group: a late end of an earlier job of the group must not reach the present watcher. */
    private final Map<Integer, Consumer<Loss>> stages = new ConcurrentHashMap<>();

    /** From now on for jobs that begin in this group. Told at most once for each task that is lost. */
    void watch(String jobGroup, Consumer<Loss> watcher) {
        groups.put(jobGroup, watcher);
    }

    void forget(String jobGroup, Consumer<Loss> watcher) {
        groups.remove(jobGroup, watcher);
    }

    @Override
    public void onJobStart(SparkListenerJobStart start) {
        Optional.ofNullable(start.properties())
                .map(properties -> properties.getProperty(JOB_GROUP))
                .map(groups::get)
                .ifPresent(watcher -> start.stageIds().foreach(stage -> stages.put((Integer) stage, watcher)));
    }

    @Override
    public void onStageCompleted(SparkListenerStageCompleted completed) {
        stages.remove(completed.stageInfo().stageId());
    }

    @Override
    public void onTaskEnd(SparkListenerTaskEnd end) {
        if (end.reason() instanceof ExecutorLostFailure lost) {
            Consumer<Loss> watcher = stages.remove(end.stageId());
            if (watcher != null) {
                watcher.accept(new Loss(
                        end.taskInfo().host(),
                        lost.execId(),
                        lost.reason().isDefined() ? lost.reason().get() : ""));
            }
        }
    }
}
