/** Scaling laws: arrays in, fits out. */
package dev.powersweep.fitting;
