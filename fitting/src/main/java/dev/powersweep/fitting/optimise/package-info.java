/** Objectives, Newton's method and the search for the global minimum. */
package dev.powersweep.fitting.optimise;
