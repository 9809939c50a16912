package dev.powersweep.orchestrator.fits;

import dev.powersweep.fitting.result.FitResult;
import java.util.ArrayList;
import java.util.List;

/** Which fits may be quoted in a sentence: those that predict every direction that was tested better than "no change" does. */
final class Quotable {
    private Quotable() {}

    /** The outcomes to be quoted; a note says of each other one why it is not. */
    static List<FitSet.Outcome> of(List<FitSet.Outcome> outcomes, List<String> notes) {
        List<FitSet.Outcome> quoted = new ArrayList<>();
        for (FitSet.Outcome outcome : outcomes) {
            if (outcome instanceof FitSet.Fitted fitted && !fitted.result().beatsNoChange()) {
                notes.add(note(fitted.result()));
            } else {
                quoted.add(outcome);
            }
        }
        return quoted;
    }

    private static String note(FitResult fit) {
        return fit.law()
                + " is not quoted in a sentence: with the largest scale left out it predicts worse than no change ("
                + FitsText.axes(fit) + ").";
    }
}
