package dev.powersweep.fitting.law;

import dev.powersweep.fitting.optimise.ShapedModel;

/** A parametric law bound to the columns of one data set: the model, and the way between internal and published parameters. */
public interface BoundLaw extends ShapedModel {
    /** Published parameters, in the law's order, of internal ones. */
    double[] published(double[] theta);

    /** Internal parameters of published ones. */
    double[] internal(double[] published);
}
