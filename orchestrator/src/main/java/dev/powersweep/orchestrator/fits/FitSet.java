package dev.powersweep.orchestrator.fits;

import dev.powersweep.fitting.FitOptions;
import dev.powersweep.fitting.FitResult;
import java.util.List;
import java.util.Optional;

/**
 * The laws asked of one set of runs.
 *
 * @param source what the runs came from
 * @param rows rows that were read
 * @param runs distinct runs among them
 * @param notes what a reader should know about the rows: how columns were read, which were left out and why
 * @param readings what the fits mean, in sentences
 */
public record FitSet(
        String source,
        int rows,
        int runs,
        List<String> notes,
        FitOptions options,
        List<FitOutcome> outcomes,
        List<Reading> readings) {
    public FitSet {
        notes = List.copyOf(notes);
        outcomes = List.copyOf(outcomes);
        readings = List.copyOf(readings);
    }

    public List<FitOutcome.Fitted> fitted() {
        return outcomes.stream()
                .filter(FitOutcome.Fitted.class::isInstance)
                .map(FitOutcome.Fitted.class::cast)
                .toList();
    }

    public List<FitOutcome.Refused> refused() {
        return outcomes.stream()
                .filter(FitOutcome.Refused.class::isInstance)
                .map(FitOutcome.Refused.class::cast)
                .toList();
    }

    /** The fit of a law, where there is one. */
    public Optional<FitResult> of(String law) {
        return fitted().stream()
                .map(FitOutcome.Fitted::result)
                .filter(result -> result.law().equals(law))
                .findFirst();
    }
}
