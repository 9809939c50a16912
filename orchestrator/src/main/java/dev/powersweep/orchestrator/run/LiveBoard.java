package dev.powersweep.orchestrator.run;

import java.util.Collection;
import java.util.List;
import java.util.Map;
import java.util.concurrent.ConcurrentHashMap;
import org.apache.spark.scheduler.SparkListener;
import org.apache.spark.scheduler.SparkListenerEvent;

/** The newest update of each running cell. */
final class LiveBoard extends SparkListener {
    private final Map<String, LiveUpdate> newest = new ConcurrentHashMap<>();

    @Override
    public void onOtherEvent(SparkListenerEvent event) {
        if (event instanceof LiveUpdate update) {
            newest.put(update.cell(), update);
        }
    }

    void ended(String cell) {
        newest.remove(cell);
    }

    Collection<LiveUpdate> running() {
        return List.copyOf(newest.values());
    }
}
