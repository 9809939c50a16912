package dev.powersweep.fitting.law;

import dev.powersweep.fitting.optimise.Box;
import dev.powersweep.fitting.optimise.LossModel;

/**
 * A bound law with one published parameter held at a value, in internal parameters chosen so that holding it is freezing one of
 * them.
 *
 * @param model the model in those parameters
 * @param box their bounds
 * @param frozen which of them keep their value
 * @param translation the way between them and the published ones
 * @param index of the published parameter
 * @param value at which it is held
 */
public record Pinned(LossModel model, Box box, boolean[] frozen, BoundLaw translation, int index, double value) {
    /** Internal parameters near published ones, with the held one at its value. */
    public double[] start(double[] published) {
        double[] moved = published.clone();
        moved[index] = value;
        return translation.internal(moved);
    }

    /** Published parameters of internal ones. */
    public double[] published(double[] theta) {
        return translation.published(theta);
    }
}
