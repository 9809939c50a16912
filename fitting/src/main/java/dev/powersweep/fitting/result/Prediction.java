package dev.powersweep.fitting.result;

/**
 * What a law says of a point, with two bands.
 *
 * @param value the law's value there
 * @param low lower end of the confidence band: where the law itself lies
 * @param high upper end of the confidence band
 * @param lowOutcome lower end of the prediction band: where one more run would fall
 * @param highOutcome upper end of the prediction band
 */
public record Prediction(double value, double low, double high, double lowOutcome, double highOutcome) {}
