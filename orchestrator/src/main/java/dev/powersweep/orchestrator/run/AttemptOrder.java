package dev.powersweep.orchestrator.run;

import dev.powersweep.orchestrator.grid.GridCell;
import java.util.Set;

/**
 * What a supervisor is told to do.
 *
 * @param attempt 1 for the first
 * @param generation results stored under a smaller one are replaced
 * @param microBatchSequences 0 for the trainer's choice
 * @param timeoutSeconds from the moment its trainer has the cell
 * @param avoidHosts where it is not to be carried out as long as there are others, by the names that Spark knows
 */
public record AttemptOrder(
        GridCell gridCell,
        int attempt,
        int generation,
        int microBatchSequences,
        double timeoutSeconds,
        Set<String> avoidHosts) {
    public AttemptOrder {
        avoidHosts = Set.copyOf(avoidHosts);
    }

    /** The same with no host avoided. */
    AttemptOrder anywhere() {
        return new AttemptOrder(gridCell, attempt, generation, microBatchSequences, timeoutSeconds, Set.of());
    }
}
