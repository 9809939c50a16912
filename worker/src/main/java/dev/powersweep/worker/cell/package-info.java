/**
 * What a cell is, what a trainer is asked to do with it, and the frames it answers with.
 *
 * <p>This package and {@link dev.powersweep.worker.shard} are all that the orchestrator knows of the worker: records
 * over the JDK and Jackson, no DL4J. References, {@code Optional}s and lists are never null; records copy their lists.
 */
package dev.powersweep.worker.cell;
