/**
 * One optimiser step of a Deeplearning4j network at a time: accumulation, AdamW, noise scale, divergence, evaluation,
 * listeners.
 */
package dev.powersweep.worker.train;
