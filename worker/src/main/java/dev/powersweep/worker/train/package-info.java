/** One optimiser step at a time: schedules, accumulation, AdamW, noise scale, divergence, evaluation. */
package dev.powersweep.worker.train;
