/**
 * Compute-optimal sizes read off training runs without a parametric loss: minima of IsoFLOP curves (Hoffmann et al.
 * 2022, approach 2) and the lower envelope of training curves (approach 1).
 */
package dev.powersweep.fitting.isoflop;
