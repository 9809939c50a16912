/** Ordinary least squares by orthogonal factorisation and the power law as a line in logarithms. */
package dev.powersweep.fitting.linear;
