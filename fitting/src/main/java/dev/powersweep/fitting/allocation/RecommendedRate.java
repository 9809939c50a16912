package dev.powersweep.fitting.allocation;

import dev.powersweep.fitting.result.Estimate;

/**
 * A peak learning rate and where it comes from.
 *
 * @param value the rate; NaN where the rule does not reach
 * @param source in words
 */
public record RecommendedRate(Estimate value, String source) {}
