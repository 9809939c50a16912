package dev.powersweep.fitting;

import dev.powersweep.fitting.law.Law;
import dev.powersweep.fitting.runs.FitRefusal;
import dev.powersweep.fitting.runs.Observations;

/** Who fits a law: this process, or one that spreads the refits over machines. The numbers do not depend on it. */
@FunctionalInterface
public interface Fitting {
    /** In this process. */
    Fitting HERE = Law::fit;

    /**
     * Fits a law to runs.
     *
     * @throws FitRefusal where the runs do not allow it
     */
    FitResult fit(Law law, Observations runs, FitOptions options);
}
