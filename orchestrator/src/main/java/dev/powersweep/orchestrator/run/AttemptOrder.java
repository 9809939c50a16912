package dev.powersweep.orchestrator.run;

import dev.powersweep.orchestrator.grid.GridCell;

/**
 * What a supervisor is told to do.
 *
 * @param attempt 1 for the first
 * @param generation results stored under a smaller one are replaced
 * @param microBatchSequences 0 for the trainer's choice
 * @param timeoutSeconds from the moment its trainer has the cell
 */
public record AttemptOrder(
        GridCell gridCell, int attempt, int generation, int microBatchSequences, double timeoutSeconds) {}
