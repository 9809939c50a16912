package dev.powersweep.fitting.law;

import dev.powersweep.fitting.optimise.ShapedModel;
import java.util.Optional;

/** A parametric law bound to the columns of one data set: the model, and the way between internal and published parameters. */
public interface BoundLaw extends ShapedModel {
    /** Published parameters, in the law's order, of internal ones. */
    double[] published(double[] theta);

    /** Internal parameters of published ones. */
    double[] internal(double[] published);

    /**
     * The law with one published parameter held, for profiles.
     *
     * @return empty where this parameter cannot be held
     */
    default Optional<Pinned> pin(int parameter, double value) {
        return Optional.empty();
    }
}
