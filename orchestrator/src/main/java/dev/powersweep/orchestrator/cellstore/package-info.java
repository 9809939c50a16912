/**
 * What is stored of one cell: a chain of manifests with its checkpoints and rows, and what other cells of its trunk may go
 * on from.
 *
 * <p>Attempts may run more than once for the same cell, even at the same time after an executor was lost from sight;
 * what is stored of a cell comes from one chain ({@link dev.powersweep.orchestrator.cellstore.CellStore}).
 */
package dev.powersweep.orchestrator.cellstore;
