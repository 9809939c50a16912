package dev.powersweep.fitting;

import dev.powersweep.fitting.law.Law;
import dev.powersweep.fitting.law.ParametricLaw;
import dev.powersweep.fitting.runs.FitRefusal;
import dev.powersweep.fitting.runs.Observations;
import dev.powersweep.fitting.uncertainty.ParametricFit;

/** The door: runs and a law in, a fit out. */
public final class Fitter {
    private Fitter() {}

    /**
     * Fits a law to runs.
     *
     * @throws FitRefusal where the runs do not allow it
     */
    public static FitResult fit(Law law, Observations runs, FitOptions options) {
        return law.fit(runs, options);
    }

    /**
     * Bootstrap refits number {@code from … to − 1} of a fit, as {@link #fit} itself would compute them, for spreading them
     * over machines: the result depends on the numbers, not on who computes them.
     *
     * @param options those of the fit
     * @param parameters published parameters of the fit, in order
     * @return parameters, one row a refit
     */
    public static double[][] refits(
            ParametricLaw law, Observations runs, FitOptions options, double[] parameters, int from, int to) {
        return new ParametricFit(law, runs, options).refits(parameters, from, to);
    }

    /** The objective at any parameters: how far somebody's numbers are from the minimum. */
    public static double objectiveAt(ParametricLaw law, Observations runs, FitOptions options, double[] parameters) {
        return new ParametricFit(law, runs, options).objectiveAt(parameters);
    }
}
