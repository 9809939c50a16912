package dev.powersweep.orchestrator.plan;

import com.fasterxml.jackson.annotation.JsonInclude;
import dev.powersweep.worker.cell.Cell;
import dev.powersweep.worker.cell.Model;
import dev.powersweep.worker.cell.Precision;
import java.util.Optional;

/**
 * What decides how long a step takes: cells of one kind make equal steps.
 *
 * @param batchSequences sequences of a batch
 * @param precision of its products; empty for float32, as rates that were measured before there was a choice have it
 */
public record StepKind(
        Model model, int batchSequences, @JsonInclude(JsonInclude.Include.NON_ABSENT) Optional<Precision> precision) {
    public StepKind {
        precision = precision.filter(numbers -> numbers != Precision.FLOAT32);
    }

    /** Of the steps after a warm-up of the batch, or after a branch. */
    public static StepKind of(Cell cell) {
        return of(cell, cell.data().batchSequences());
    }

    /** Of steps of another batch. */
    public static StepKind of(Cell cell, int batchSequences) {
        return new StepKind(
                cell.model(), batchSequences, Optional.of(cell.training().products()));
    }
}
