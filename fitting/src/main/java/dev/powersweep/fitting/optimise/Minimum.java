package dev.powersweep.fitting.optimise;

/**
 * Where a descent ended.
 *
 * @param theta internal parameters
 * @param value objective
 * @param gradientNorm largest component of the gradient over free parameters, in units of the objective's natural scale
 *     (see {@link Problem#gradientScale()})
 * @param iterations Newton steps taken
 */
public record Minimum(double[] theta, double value, double gradientNorm, int iterations) {}
