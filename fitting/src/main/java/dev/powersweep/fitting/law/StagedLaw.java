package dev.powersweep.fitting.law;

import dev.powersweep.fitting.result.FitOptions;
import dev.powersweep.fitting.result.FitResult;
import dev.powersweep.fitting.runs.FitRefusal;
import dev.powersweep.fitting.runs.Observations;

/**
 * A law fitted in stages: points are read off the runs first (minima of IsoFLOP curves, the envelope of training curves,
 * steps to equal loss), then a power law is regressed through the points.
 */
public non-sealed interface StagedLaw extends Law {
    /**
     * Fits the law.
     *
     * @throws FitRefusal what {@link #refusal} says, or NOT_CONVERGED, NO_INTERIOR_MINIMUM, EDGE_MINIMUM found on the way
     */
    FitResult fit(Observations runs, FitOptions options);
}
