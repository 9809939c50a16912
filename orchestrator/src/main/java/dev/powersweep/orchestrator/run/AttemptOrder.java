package dev.powersweep.orchestrator.run;

import dev.powersweep.orchestrator.grid.GridCell;
import java.util.List;

/**
 * What a supervisor is told to do.
 *
 * @param attempt 1 for the first
 * @param generation results stored under a smaller one are replaced
 * @param microBatchSequences 0 for the trainer's choice
 * @param timeoutSeconds from the moment its trainer has the cell
 * @param donors identities of cells of the same trunk, from whose kept states a cell that has none of its own may go on
 * @param branchSteps steps whose states are kept for other cells of the trunk
 */
public record AttemptOrder(
        GridCell gridCell,
        int attempt,
        int generation,
        int microBatchSequences,
        double timeoutSeconds,
        List<String> donors,
        List<Long> branchSteps) {
    public AttemptOrder {
        donors = List.copyOf(donors);
        branchSteps = List.copyOf(branchSteps);
    }

    /** Of a cell that shares no trunk. */
    public AttemptOrder(
            GridCell gridCell, int attempt, int generation, int microBatchSequences, double timeoutSeconds) {
        this(gridCell, attempt, generation, microBatchSequences, timeoutSeconds, List.of(), List.of());
    }
}
