package dev.powersweep.orchestrator.publish;

import dev.powersweep.orchestrator.dispatch.AttemptReport;
import dev.powersweep.orchestrator.dispatch.LedgerEvent;
import dev.powersweep.orchestrator.dispatch.SweepState;
import dev.powersweep.orchestrator.executor.LiveUpdate;
import dev.powersweep.orchestrator.storage.SweepDirectory;
import java.util.List;
import java.util.OptionalDouble;

/** Who watches a sweep. Called from one thread. */
public interface SweepProgress {

    /** Nobody. */
    SweepProgress NONE = new SweepProgress() {
        @Override
        public void now(Numbers numbers) {}

        @Override
        public void ended(String name, AttemptReport report, Numbers numbers) {}

        @Override
        public void close() {}
    };

    /**
     * Where the sweep stands.
     *
     * @param total cells of this run, those that had ended before it left out
     * @param done finished or diverged
     * @param slots cells that can train at once, now
     * @param tokens trained by this run and stored
     * @param tokensPerSecond of all running cells together
     * @param etaSeconds until the last cell ends; empty before there is anything to judge by
     */
    record Numbers(
            int total,
            int done,
            int failed,
            int running,
            int slots,
            long tokens,
            double tokensPerSecond,
            OptionalDouble etaSeconds,
            double elapsedSeconds) {}

    /**
     * The run begins.
     *
     * @param state of the sweep; goes on changing, and is to be read in calls of this interface alone
     * @param slots cells that can train at once
     */
    default void opened(SweepState state, SweepDirectory directory, int slots) {}

    /** Something was told to the ledger; the state that {@link #opened} gave knows of it already. */
    default void changed(LedgerEvent event) {}

    /** The newest word of each running cell that was heard of, just before {@link #now}. */
    default void running(List<LiveUpdate> cells) {}

    /** About once a second. */
    void now(Numbers numbers);

    /** An attempt has ended; its report says whether it is tried again. */
    void ended(String name, AttemptReport report, Numbers numbers);

    /** The sweep has ended, one way or the other. */
    void close();

    /** Two that watch. */
    static SweepProgress both(SweepProgress first, SweepProgress second) {
        return new SweepProgress() {
            @Override
            public void opened(SweepState state, SweepDirectory directory, int slots) {
                first.opened(state, directory, slots);
                second.opened(state, directory, slots);
            }

            @Override
            public void changed(LedgerEvent event) {
                first.changed(event);
                second.changed(event);
            }

            @Override
            public void running(List<LiveUpdate> cells) {
                first.running(cells);
                second.running(cells);
            }

            @Override
            public void now(Numbers numbers) {
                first.now(numbers);
                second.now(numbers);
            }

            @Override
            public void ended(String name, AttemptReport report, Numbers numbers) {
                first.ended(name, report, numbers);
                second.ended(name, report, numbers);
            }

            @Override
            public void close() {
                first.close();
                second.close();
            }
        };
    }
}
