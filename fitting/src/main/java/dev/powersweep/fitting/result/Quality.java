package dev.powersweep.fitting.result;

/**
 * How well the law describes the rows it was fitted to.
 *
 * @param aicc Akaike's criterion, corrected for few rows, under the objective's own noise model (normal for squared errors,
 *     Huber's density otherwise) with its scale at maximum likelihood. Comparable between laws under one objective and one
 *     set of rows only; NaN where there are too few rows
 * @param freeParameters parameters counted, the noise scale among them
 * @param noise scale of the noise: standard deviation of the residuals, log units or nats as the objective has it
 * @param rSquared share of the variance of the observed values explained
 */
public record Quality(double aicc, int freeParameters, double noise, double rSquared) {}
