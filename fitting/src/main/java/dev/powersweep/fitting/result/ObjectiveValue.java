package dev.powersweep.fitting.result;

import dev.powersweep.fitting.optimise.Objective;

/**
 * The objective at the minimum.
 *
 * @param objective which function
 * @param delta Huber's threshold
 * @param sum weighted sum over the rows
 * @param mean the sum over the total weight
 */
public record ObjectiveValue(Objective objective, double delta, double sum, double mean) {
    /** The scripted name of the objective. */
    public String name() {
        return objective.label();
    }
}
