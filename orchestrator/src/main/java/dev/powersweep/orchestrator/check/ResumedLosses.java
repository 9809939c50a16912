package dev.powersweep.orchestrator.check;

import dev.powersweep.orchestrator.tables.StepRow;
import java.util.List;
import java.util.Map;
import java.util.TreeMap;
import java.util.stream.Collectors;

/**
 * Losses after a resumption beside those of a run that was let alone.
 *
 * @param same whether they agree to six digits, all of them
 * @param beginsAnew whether they are like those of the beginning: what the checkpoint holds seems not to be used
 * @param largestDifference relative, over all steps after the resumption
 * @param step of the largest difference
 */
record ResumedLosses(boolean same, boolean beginsAnew, double largestDifference, long step) {
    private static final double EQUAL = 1e-6;
    private static final int WINDOW = 20;
    private static final double SHARE_OF_THE_FALL = 0.3;

    /**
     * Compares.
     *
     * @param alone rows of the run that was let alone
     * @param resumed rows of the run that was resumed
     * @param from last step before the resumption
     */
    static ResumedLosses of(List<StepRow> alone, List<StepRow> resumed, long from) {
        TreeMap<Long, Double> wanted = losses(alone);
        TreeMap<Long, Double> found = losses(resumed);
        double largest = 0;
        long at = from;
        for (Map.Entry<Long, Double> row : found.tailMap(from, false).entrySet()) {
            double reference = wanted.getOrDefault(row.getKey(), Double.NaN);
            double difference = Math.abs(row.getValue() - reference) / Math.max(Math.abs(reference), 1e-12);
            if (difference > largest) {
                largest = difference;
                at = row.getKey();
            }
        }
        double beginning = mean(wanted, 0);
        double before = mean(wanted, from);
        double after = mean(found, from);
        // As far up again as a model is that has forgotten a good part of what it had learned.
        boolean anew = largest > EQUAL
                && beginning > before
                && after - before > SHARE_OF_THE_FALL * (beginning - before)
                && after - before > 1e-3 * Math.abs(before);
        return new ResumedLosses(largest <= EQUAL, anew, largest, at);
    }

    private static TreeMap<Long, Double> losses(List<StepRow> rows) {
        return rows.stream().collect(Collectors.toMap(StepRow::step, StepRow::loss, (a, b) -> b, TreeMap::new));
    }

    private static double mean(TreeMap<Long, Double> losses, long after) {
        return losses.tailMap(after, false).values().stream()
                .limit(WINDOW)
                .mapToDouble(Double::doubleValue)
                .average()
                .orElse(Double.NaN);
    }
}
