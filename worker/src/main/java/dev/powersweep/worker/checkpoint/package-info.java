/**
 * The state of a run between two steps, as one file: written atomically, checked when read, enough to go on
 * bit-identically.
 */
package dev.powersweep.worker.checkpoint;
