package dev.powersweep.fitting.result;

import dev.powersweep.fitting.runs.Point;

/** The law as a function of its published parameters. */
@FunctionalInterface
public interface Predictor {
    /**
     * @param parameters values in the order of {@link FitResult#parameters()}
     * @param at where to predict
     * @return the predicted response, in its unit
     */
    double at(double[] parameters, Point at);
}
