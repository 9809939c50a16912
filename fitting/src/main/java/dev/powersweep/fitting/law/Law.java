package dev.powersweep.fitting.law;

import dev.powersweep.fitting.runs.FitRefusal;
import dev.powersweep.fitting.runs.Observations;
import dev.powersweep.fitting.runs.Quantity;
import java.util.Optional;
import java.util.Set;

/** A scaling law: what it says, what it needs, and which runs it can be fitted to. */
public sealed interface Law permits ParametricLaw, StagedLaw {
    /** The name scripts use, lower case with hyphens. */
    String name();

    /** The law in a few words, with its authors. */
    String title();

    /** The form as text, in the symbols of the fitted parameters. */
    String formula();

    /** Paper and equation. */
    String source();

    /** Columns without which nothing can be fitted. */
    Set<Quantity> needs();

    /** Empty where the law can be fitted to these runs, else why not. */
    Optional<FitRefusal> refusal(Observations runs);
}
