package dev.powersweep.orchestrator.publish;

import dev.powersweep.orchestrator.executor.LiveUpdate;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.concurrent.ConcurrentHashMap;
import org.apache.spark.scheduler.SparkListener;
import org.apache.spark.scheduler.SparkListenerEvent;

/** Keeps live updates from Spark's listener bus until the driver's loop takes them. */
public final class LiveBoard extends SparkListener {
    private final Map<String, LiveUpdate> newest = new ConcurrentHashMap<>();

    @Override
    public void onOtherEvent(SparkListenerEvent event) {
        if (event instanceof LiveUpdate update) {
            newest.put(update.cell(), update);
        }
    }

    /** The newest update of each cell since the last call. */
    public List<LiveUpdate> updates() {
        List<LiveUpdate> taken = new ArrayList<>();
        newest.forEach((cell, update) -> {
            if (newest.remove(cell, update)) {
                taken.add(update);
            }
        });
        return taken;
    }
}
