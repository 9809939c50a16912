package dev.powersweep.orchestrator.plan;

import dev.powersweep.orchestrator.grid.GridCell;

/**
 * A cell with what it is expected to cost.
 *
 * @param predictedSeconds of training and evaluation on one slot
 * @param memoryBytes resident memory of its trainer: heap, arrays, libraries
 */
public record PlannedCell(GridCell gridCell, double predictedSeconds, long memoryBytes) {}
