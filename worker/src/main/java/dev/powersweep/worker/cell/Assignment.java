package dev.powersweep.worker.cell;

import com.fasterxml.jackson.annotation.JsonSetter;
import com.fasterxml.jackson.annotation.Nulls;
import java.util.List;
import java.util.Optional;

/**
 * What a trainer is told to do: a cell and the local things it needs. Nothing here changes the cell's numbers (on a CPU
 * with one thread), which is why none of it is part of the cell.
 *
 * @param cell what to train
 * @param attempt 1 for the first try of this cell
 * @param shardDirectory local directory with {@code shard.json} and the token files it names
 * @param checkpointDirectory local directory for checkpoints; created when missing
 * @param resumeFrom local checkpoint file to go on from, of this cell or of its trunk; empty to start afresh
 * @param microBatchSequences most sequences in one forward pass; 0 lets the trainer choose by its cache model
 * @param checkpointSeconds seconds between checkpoints; 0 for one at the end only
 * @param reportSeconds most seconds between {@link Frame.Steps} frames
 * @param branchSteps steps whose checkpoints are written whatever the clock says and stay on disk, for cells that share
 *     this one's {@linkplain Cell#trunk() trunk} to go on from
 * @param listeners class names of Deeplearning4j's training listeners that are to see the cell's steps; they look on and
 *     change no number
 */
public record Assignment(
        Cell cell,
        int attempt,
        String shardDirectory,
        String checkpointDirectory,
        Optional<String> resumeFrom,
        int microBatchSequences,
        double checkpointSeconds,
        double reportSeconds,
        @JsonSetter(nulls = Nulls.AS_EMPTY) List<Long> branchSteps,
        @JsonSetter(nulls = Nulls.AS_EMPTY) List<String> listeners) {
    public Assignment {
        require(microBatchSequences >= 0, "microBatchSequences", microBatchSequences);
        require(checkpointSeconds >= 0, "checkpointSeconds", checkpointSeconds);
        require(reportSeconds >= 0, "reportSeconds", reportSeconds);
        branchSteps = List.copyOf(branchSteps);
        listeners = List.copyOf(listeners);
    }

    /** Without branches and listeners. */
    public Assignment(
            Cell cell,
            int attempt,
            String shardDirectory,
            String checkpointDirectory,
            Optional<String> resumeFrom,
            int microBatchSequences,
            double checkpointSeconds,
            double reportSeconds) {
        this(
                cell,
                attempt,
                shardDirectory,
                checkpointDirectory,
                resumeFrom,
                microBatchSequences,
                checkpointSeconds,
                reportSeconds,
                List.of(),
                List.of());
    }

    private static void require(boolean holds, String name, double value) {
        if (!holds) {
            throw new IllegalArgumentException(name + " = " + value + " must be at least 0");
        }
    }
}
