package dev.powersweep.orchestrator.plan;

import dev.powersweep.worker.cell.Cell;
import dev.powersweep.worker.cell.Model;

/**
 * What decides how long a step takes: cells of one kind make equal steps.
 *
 * @param batchSequences sequences of a batch
 */
public record StepKind(Model model, int batchSequences) {
    /** Of the steps after a warm-up of the batch, or after a branch. */
    public static StepKind of(Cell cell) {
        return new StepKind(cell.model(), cell.data().batchSequences());
    }
}
