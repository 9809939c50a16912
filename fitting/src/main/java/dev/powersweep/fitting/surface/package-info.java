/** The best learning rate and batch size as the minimum of a quadratic surface in logarithms. */
package dev.powersweep.fitting.surface;
