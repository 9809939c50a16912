/**
 * What to train next: compute-optimal sizes, data, batches and steps for a budget, their cost, and the further cells that
 * would teach most.
 */
package dev.powersweep.fitting.allocation;
