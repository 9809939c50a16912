/**
 * The critical batch size: from steps or data to a given loss at several batch sizes, from gradient noise, and as a power
 * of loss, data or size.
 *
 * <p>Batch sizes are in tokens unless a caller keeps another unit throughout; results are then in that unit. Published
 * numbers in sequences (Zhang et al. 2024) and in tokens (Kaplan et al. 2020) differ by the context length.
 */
package dev.powersweep.fitting.batch;
