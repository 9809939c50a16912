package dev.powersweep.orchestrator.view;

import org.apache.spark.scheduler.SparkListener;
import org.apache.spark.scheduler.SparkListenerEvent;

/** Brings a board up to date from Spark's listener bus, or from an event log that is replayed. */
public final class SweepListener extends SparkListener {
    private final SweepBoard board;

    public SweepListener(SweepBoard board) {
        this.board = board;
    }

    @Override
    public void onOtherEvent(SparkListenerEvent event) {
        if (event instanceof SweepEvent sweep) {
            board.apply(sweep);
        }
    }
}
