package dev.powersweep.orchestrator.run;

import dev.powersweep.orchestrator.ledger.AttemptReport;
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
     * @param tokensPerSecond of all running cells together
     * @param etaSeconds until the last cell ends; empty before there is anything to judge by
     */
    record Numbers(
            int total,
            int done,
            int failed,
            int running,
            double tokensPerSecond,
            OptionalDouble etaSeconds,
            double elapsedSeconds) {}

    /** About once a second. */
    void now(Numbers numbers);

    /** An attempt has ended; its report says whether it is tried again. */
    void ended(String name, AttemptReport report, Numbers numbers);

    /** The sweep has ended, one way or the other. */
    void close();
}
