package dev.powersweep.worker.train;

import dev.powersweep.worker.cell.Cell;
import java.nio.file.Path;

/**
 * Sees a cell train: what Deeplearning4j's interface of this name is to its networks, which it cannot be here, since its
 * methods pass a {@code Model}. A trainer calls every listener that {@link java.util.ServiceLoader} finds on its class
 * path, on the training thread, in the order found.
 *
 * <p>Listeners look and do not touch: the vectors of {@link TrainingSession#state()} are the session's own. One that
 * throws fails the cell as a bug.
 */
public interface TrainingListener {

    /**
     * Before the first step of an attempt.
     *
     * @param session at step 0, or where the resumed checkpoint was written
     */
    default void onStart(Cell cell, TrainingSession session) {}

    /** After every optimiser step, with the updated parameters in {@code session}. */
    default void iterationDone(Cell cell, TrainingSession session, StepRecord record) {}

    /**
     * After every evaluation.
     *
     * @param set name of the held-out text
     * @param step steps done
     */
    default void onEvaluation(Cell cell, String set, long step, EvaluationResult result) {}

    /**
     * After a checkpoint is on disk under its final name.
     *
     * @param step steps done
     */
    default void onCheckpoint(Cell cell, long step, Path file) {}
}
