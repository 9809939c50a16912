package dev.powersweep.fitting.allocation;

import dev.powersweep.fitting.Estimate;

/**
 * A peak learning rate and where it comes from.
 *
 * @param value the rate; NaN where the rule does not reach
 * @param source in words
 */
public record LearningRate(Estimate value, String source) {}
