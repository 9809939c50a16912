package dev.powersweep.orchestrator.fits;

import dev.powersweep.fitting.FitResult;
import dev.powersweep.fitting.runs.FitRefusal;

/** What came of asking for one law. */
public sealed interface FitOutcome {
    /** The name scripts use. */
    String law();

    /** The law in a few words, with its authors. */
    String title();

    /** Which rows were taken, in a few words. */
    String selection();

    /** The law was fitted. */
    record Fitted(String title, String selection, FitResult result) implements FitOutcome {
        @Override
        public String law() {
            return result.law();
        }
    }

    /** The data do not allow the law; an answer like any other. */
    record Refused(String law, String title, String selection, FitRefusal.Reason reason, String sentence)
            implements FitOutcome {}
}
