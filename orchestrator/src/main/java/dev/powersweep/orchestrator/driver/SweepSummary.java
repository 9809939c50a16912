package dev.powersweep.orchestrator.driver;

import java.util.Optional;

/**
 * What a run of a sweep came to.
 *
 * @param planned cells that are new to the directory
 * @param begun cells that this run took up
 * @param finished cells of the whole sweep that are finished
 * @param diverged cells of the whole sweep that diverged
 * @param failed cells of the whole sweep that have failed
 * @param unfinished cells of the whole sweep that have not ended
 * @param attempts begun in this run
 * @param tokens trained in this run and stored
 * @param seconds of this run
 * @param packing how well it used the slots
 * @param sharedFlops training FLOPs of the whole sweep that cells took over from others of their trunk
 * @param stopped why the run ended before its last cell, if it did
 */
public record SweepSummary(
        int planned,
        int begun,
        int finished,
        int diverged,
        int failed,
        int unfinished,
        int attempts,
        long tokens,
        double seconds,
        Packing packing,
        double sharedFlops,
        Optional<String> stopped) {

    /** This run and the one before it as one: what runs brought is added up, the sweep stands as this one left it. */
    public SweepSummary after(SweepSummary before) {
        return new SweepSummary(
                before.planned + planned,
                before.begun + begun,
                finished,
                diverged,
                failed,
                unfinished,
                before.attempts + attempts,
                before.tokens + tokens,
                before.seconds + seconds,
                packing.after(before.packing, before.attempts, attempts),
                sharedFlops,
                stopped);
    }

    /** Whether every cell of the sweep has a result. */
    public boolean complete() {
        return failed == 0 && unfinished == 0;
    }
}
