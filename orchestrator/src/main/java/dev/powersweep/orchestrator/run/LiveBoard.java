package dev.powersweep.orchestrator.run;

import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.Queue;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.ConcurrentLinkedQueue;
import org.apache.spark.scheduler.SparkListener;
import org.apache.spark.scheduler.SparkListenerEvent;
import org.apache.spark.scheduler.SparkListenerExecutorRemoved;

/** What Spark's listener bus brings for the driver's loop, which takes it when it comes round. */
final class LiveBoard extends SparkListener {
    private final Map<String, LiveUpdate> newest = new ConcurrentHashMap<>();
    private final Queue<String> lostExecutors = new ConcurrentLinkedQueue<>();

    @Override
    public void onOtherEvent(SparkListenerEvent event) {
        if (event instanceof LiveUpdate update) {
            newest.put(update.cell(), update);
        }
    }

    @Override
    public void onExecutorRemoved(SparkListenerExecutorRemoved removed) {
        lostExecutors.add(removed.executorId());
    }

    /** The newest update of each cell since the last call. */
    List<LiveUpdate> updates() {
        List<LiveUpdate> taken = new ArrayList<>();
        newest.forEach((cell, update) -> {
            if (newest.remove(cell, update)) {
                taken.add(update);
            }
        });
        return taken;
    }

    /** Executors that are gone since the last call. */
    List<String> lostExecutors() {
        List<String> taken = new ArrayList<>();
        for (String executor = lostExecutors.poll(); executor != null; executor = lostExecutors.poll()) {
            taken.add(executor);
        }
        return taken;
    }
}
