package dev.powersweep.fitting.uncertainty;

import dev.powersweep.fitting.result.Estimate;
import java.util.Map;
import java.util.stream.Collectors;

/** What is told of intervals where too few rows are left beside the parameters for a bootstrap. */
final class FewRows {
    private FewRows() {}

    static String warning(int runs, int parameters, Map<String, Estimate> estimates) {
        int spare = runs - parameters;
        if (spare < 1) {
            return "The rows belong to " + (runs == 1 ? "1 run" : runs + " runs") + ", no more than the " + parameters
                    + " parameters: runs cannot be drawn anew, and there are no intervals.";
        }
        String open = estimates.entrySet().stream()
                .filter(entry -> !entry.getValue().hasInterval())
                .map(Map.Entry::getKey)
                .collect(Collectors.joining(", "));
        return "There " + (spare == 1 ? "is 1 run" : "are " + spare + " runs") + " beside the " + parameters
                + " parameters, too few to draw runs anew: intervals are Student's t about the least-squares fit, and"
                + " what follows from the parameters has none."
                + (open.isEmpty() ? "" : " Not determined: " + open + ".");
    }
}
