package dev.powersweep.fitting.law;

import dev.powersweep.fitting.FitOptions;
import dev.powersweep.fitting.FitResult;
import dev.powersweep.fitting.runs.Column;
import dev.powersweep.fitting.runs.FitRefusal;
import dev.powersweep.fitting.runs.Observations;
import java.util.Optional;
import java.util.Set;

/**
 * A scaling law that can be fitted. Laws that predict a loss from columns in closed form extend {@link ParametricLaw}; laws of
 * another kind (an envelope of curves, IsoFLOP minima) implement this directly and build their {@link FitResult}.
 */
public interface Law {
    /** The name scripts use, lower case with hyphens. */
    String name();

    /** The law in a few words, with its authors. */
    String title();

    /** The form as text, in the symbols of {@link FitResult#parameters()}. */
    String formula();

    /** Paper and equation. */
    String source();

    /** Columns without which nothing can be fitted. */
    Set<Column> needs();

    /** Empty where the law can be fitted to these runs, else why not. */
    Optional<FitRefusal> refusal(Observations runs);

    /**
     * Fits the law.
     *
     * @throws FitRefusal what {@link #refusal} says, or NOT_CONVERGED, NO_INTERIOR_MINIMUM, EDGE_MINIMUM found on the way
     */
    FitResult fit(Observations runs, FitOptions options);
}
