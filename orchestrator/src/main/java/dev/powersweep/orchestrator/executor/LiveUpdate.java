package dev.powersweep.orchestrator.executor;

import dev.powersweep.orchestrator.dispatch.LiveCells;
import java.io.Serial;
import java.io.Serializable;
import org.apache.spark.scheduler.SparkListenerEvent;

/**
 * What a running attempt is doing, sent by its executor to the driver's listeners. Not kept in Spark's event log: the
 * tables hold all of it.
 *
 * @param step optimiser steps done
 * @param tokens of these steps
 * @param loss of the newest step, nats/token; NaN before the first
 * @param tokensPerSecond since the update before
 * @param storedStep optimiser steps whose results are stored
 */
public record LiveUpdate(
        String cell,
        String name,
        int attempt,
        long step,
        long steps,
        double tokens,
        double loss,
        double tokensPerSecond,
        long storedStep,
        String host,
        String executor)
        implements SparkListenerEvent, LiveCells.Update, Serializable {
    @Serial
    private static final long serialVersionUID = 1L;

    @Override
    public boolean logEvent() {
        return false;
    }

    /** Where supervisors send their updates; may drop them. */
    @FunctionalInterface
    public interface Sink {
        Sink NONE = update -> {};

        void send(LiveUpdate update);
    }
}
