package dev.powersweep.orchestrator.budget;

import dev.powersweep.orchestrator.text.Numbers;
import java.util.Comparator;
import java.util.List;
import java.util.Optional;

/**
 * How fast a slot of a sweep trained its largest models: what a plan's time rests on where no machine is named. Larger
 * models mostly keep a machine busier, so that it is rather too slow than too fast for them.
 *
 * @param flopsPerSecond by C = 6·N·D
 * @param cells whose median it is
 */
public record SlotSpeed(double flopsPerSecond, int cells) {

    /**
     * @param n non-embedding parameters
     * @param flopsPerSecond by C = 6·N·D
     */
    public record Trained(double n, double flopsPerSecond) {}

    /** Of the largest models, a quarter of all that were trained to their end; empty where there was none. */
    public static Optional<SlotSpeed> of(List<Trained> trained) {
        if (trained.isEmpty()) {
            return Optional.empty();
        }
        List<Trained> descending = trained.stream()
                .sorted(Comparator.comparingDouble(Trained::n).reversed())
                .toList();
        int quarter = Math.max(1, descending.size() / 4);
        double last = descending.get(quarter - 1).n();
        boolean whole = quarter == descending.size() || descending.get(quarter).n() < last;
        // Cells of one size count together or not at all.
        double leastN = whole
                ? last
                : descending.stream()
                        .mapToDouble(Trained::n)
                        .filter(n -> n > last)
                        .min()
                        .orElse(last);
        double[] largest = descending.stream()
                .filter(cell -> cell.n() >= leastN)
                .mapToDouble(Trained::flopsPerSecond)
                .sorted()
                .toArray();
        double median = (largest[(largest.length - 1) / 2] + largest[largest.length / 2]) / 2;
        return Optional.of(new SlotSpeed(median, largest.length));
    }

    /** A machine without a price or a known power. */
    public Rates rates() {
        String by = cells == 1 ? "its largest cell" : "its " + cells + " largest cells";
        return new Rates(
                "of this sweep's slots, at the " + Numbers.power(flopsPerSecond, 3) + " FLOP/s of " + by,
                flopsPerSecond,
                Double.NaN,
                Double.NaN,
                "");
    }
}
