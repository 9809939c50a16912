package dev.powersweep.orchestrator.fits;

import dev.powersweep.fitting.result.FitOptions;
import dev.powersweep.fitting.result.FitResult;
import dev.powersweep.fitting.runs.FitRefusal;
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
        List<Outcome> outcomes,
        List<Reading> readings) {
    /** What came of asking for one law. */
    public sealed interface Outcome {
        /** The name scripts use. */
        String law();

        /** The law in a few words, with its authors. */
        String title();

        /** Which rows were taken, in a few words. */
        String selection();
    }

    /** The law was fitted. */
    public record Fitted(String title, String selection, FitResult result) implements Outcome {
        @Override
        public String law() {
            return result.law();
        }
    }

    /** The data do not allow the law. */
    public record Refused(String law, String title, String selection, FitRefusal.Reason reason, String sentence)
            implements Outcome {}

    public FitSet {
        notes = List.copyOf(notes);
        outcomes = List.copyOf(outcomes);
        readings = List.copyOf(readings);
    }

    public List<Fitted> fitted() {
        return outcomes.stream()
                .filter(Fitted.class::isInstance)
                .map(Fitted.class::cast)
                .toList();
    }

    public List<Refused> refused() {
        return outcomes.stream()
                .filter(Refused.class::isInstance)
                .map(Refused.class::cast)
                .toList();
    }

    /** The fit of a law, where there is one. */
    public Optional<FitResult> of(String law) {
        return fitted().stream()
                .map(Fitted::result)
                .filter(result -> result.law().equals(law))
                .findFirst();
    }
}
