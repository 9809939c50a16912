package dev.powersweep.fitting.result;

/**
 * The best objective for every fixed value of one parameter.
 *
 * @param parameter its name
 * @param values where it was fixed, ascending
 * @param objective the best sum there, over all other parameters
 * @param low lower end of the likelihood interval, −∞ or 0 where the profile stays below the threshold to the end of the range
 * @param high upper end of the likelihood interval, +∞ alike
 */
public record Profile(String parameter, double[] values, double[] objective, double low, double high) {}
