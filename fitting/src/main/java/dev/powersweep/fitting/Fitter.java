package dev.powersweep.fitting;

import dev.powersweep.fitting.comparison.Comparison;
import dev.powersweep.fitting.law.Law;
import dev.powersweep.fitting.law.ParametricLaw;
import dev.powersweep.fitting.law.StagedLaw;
import dev.powersweep.fitting.result.FitOptions;
import dev.powersweep.fitting.result.FitResult;
import dev.powersweep.fitting.runs.FitRefusal;
import dev.powersweep.fitting.runs.Observations;
import dev.powersweep.fitting.runs.Quantity;
import dev.powersweep.fitting.uncertainty.ParametricFit;
import dev.powersweep.fitting.uncertainty.Refits;
import java.util.ArrayList;
import java.util.List;
import java.util.stream.IntStream;

/** The door of this module: laws and runs in, fits out. */
public final class Fitter {
    private Fitter() {}

    /**
     * Fits a law to runs.
     *
     * @throws FitRefusal where the runs do not allow it
     */
    public static FitResult fit(Law law, Observations runs, FitOptions options) {
        return fit(law, runs, options, Refits.Runner.HERE);
    }

    /**
     * The same, with bootstrap refits computed elsewhere. The result does not depend on the runner.
     *
     * @param runner computes the refits of parametric laws; staged laws draw theirs in this process
     * @throws FitRefusal where the runs do not allow it
     */
    public static FitResult fit(Law law, Observations runs, FitOptions options, Refits.Runner runner) {
        refuseDiverged(law, runs);
        return law instanceof ParametricLaw parametric
                ? ParametricFit.fit(parametric, runs, options, runner)
                : ((StagedLaw) law).fit(runs, options);
    }

    private static void refuseDiverged(Law law, Observations runs) {
        if (law.needs().contains(Quantity.BRANCH)) {
            return;
        }
        IntStream.range(0, runs.size()).filter(runs::diverged).findFirst().ifPresent(row -> {
            throw new FitRefusal(
                    FitRefusal.Reason.NOT_FINITE,
                    "Row " + (row + 1) + " is a branch that diverged, which " + law.name()
                            + " cannot use; remove the row.");
        });
    }

    /** Fits every law to the same runs and compares them by AICc and by hold-out error. */
    public static Comparison compare(List<? extends Law> laws, Observations runs, FitOptions options) {
        return compare(laws, runs, options, Refits.Runner.HERE);
    }

    /** The same, with bootstrap refits computed elsewhere. */
    public static Comparison compare(
            List<? extends Law> laws, Observations runs, FitOptions options, Refits.Runner runner) {
        List<FitResult> fits = new ArrayList<>();
        List<Comparison.Refused> refused = new ArrayList<>();
        for (Law law : laws) {
            try {
                fits.add(fit(law, runs, options, runner));
            } catch (FitRefusal refusal) {
                refused.add(new Comparison.Refused(law.name(), refusal));
            }
        }
        return Comparison.of(fits, refused);
    }

    /**
     * Bootstrap refits number {@code from … to − 1} of a fit, as {@link #fit} itself computes them.
     *
     * @param options those of the fit
     * @param parameters published parameters of the fit, in order
     * @return parameters, one row a refit
     */
    public static double[][] refits(
            ParametricLaw law, Observations runs, FitOptions options, double[] parameters, int from, int to) {
        return new ParametricFit(law, runs, options).refits(parameters, from, to);
    }

    /** The objective at any parameters: how far published numbers are from the minimum. */
    public static double objectiveAt(ParametricLaw law, Observations runs, FitOptions options, double[] parameters) {
        return new ParametricFit(law, runs, options).objectiveAt(parameters);
    }
}
