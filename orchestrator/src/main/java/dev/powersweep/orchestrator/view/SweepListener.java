package dev.powersweep.orchestrator.view;

import dev.powersweep.orchestrator.view.SweepEvent.Totals;
import org.apache.spark.scheduler.SparkListener;
import org.apache.spark.scheduler.SparkListenerApplicationEnd;
import org.apache.spark.scheduler.SparkListenerEvent;

/** Brings a board up to date from Spark's listener bus, or from an event log that is replayed. */
public final class SweepListener extends SparkListener {
    private final SweepBoard board;

    public SweepListener(SweepBoard board) {
        this.board = board;
    }

    /** An application may end without an event for the end of its sweep. */
    @Override
    public void onApplicationEnd(SparkListenerApplicationEnd end) {
        board.picture()
                .filter(picture -> picture.closed().isEmpty())
                .ifPresent(picture -> board.apply(new SweepEvent.Closed(
                        "the application ended before the run did",
                        picture.totals().orElse(new Totals(0, 0, Double.NaN, 0, 0, end.time())))));
    }

    @Override
    public void onOtherEvent(SparkListenerEvent event) {
        if (event instanceof SweepEvent sweep && SoundEvents.sound(sweep)) {
            board.apply(sweep);
        }
    }
}
