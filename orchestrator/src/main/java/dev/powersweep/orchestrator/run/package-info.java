/**
 * Running a sweep: the driver's loop and policies, the supervisor of each attempt, and the store of a cell's results.
 *
 * <p>Attempts may run more than once for the same cell, even at the same time after an executor was lost from sight;
 * what is stored of a cell comes from one chain of manifests ({@link dev.powersweep.orchestrator.run.CellStore}).
 */
package dev.powersweep.orchestrator.run;
