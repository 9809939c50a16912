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
    /** The newest attempt of each cell that has ended. */
    private final Map<String, Integer> ended = new ConcurrentHashMap<>();

    @Override
    public void onOtherEvent(SparkListenerEvent event) {
        if (event instanceof LiveUpdate update) {
            take(update);
        }
    }

    /** Gives whether the update was news: one of an attempt that has ended comes too late. */
    boolean take(LiveUpdate update) {
        LiveUpdate now = newest.compute(update.cell(), (cell, known) -> {
            boolean late = update.attempt() <= ended.getOrDefault(cell, 0)
                    || (known != null && known.attempt() > update.attempt());
            return late ? known : update;
        });
        return now == update;
    }

    void ended(String cell, int attempt) {
        ended.merge(cell, attempt, Math::max);
        newest.computeIfPresent(cell, (id, known) -> known.attempt() <= attempt ? null : known);
    }

    Collection<LiveUpdate> running() {
        return List.copyOf(newest.values());
    }
}
