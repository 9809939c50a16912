package dev.powersweep.orchestrator.report.sections;

import dev.powersweep.orchestrator.report.Palette;
import dev.powersweep.orchestrator.results.CellResult;
import java.util.Comparator;
import java.util.List;
import java.util.function.ToDoubleFunction;

/**
 * The different values that a quantity takes over a sweep, in order; gives each its colour.
 *
 * @param values ascending; values within half a per cent count as one
 */
record Levels(double[] values) {

    private static final double SAME = 1.005;

    static Levels of(List<CellResult> cells, ToDoubleFunction<CellResult> quantity) {
        double[] sorted =
                cells.stream().mapToDouble(quantity).filter(v -> v > 0).sorted().toArray();
        double[] kept = new double[sorted.length];
        int count = 0;
        for (double value : sorted) {
            if (count == 0 || value > kept[count - 1] * SAME) {
                kept[count++] = value;
            }
        }
        return new Levels(java.util.Arrays.copyOf(kept, count));
    }

    /** Data sizes: tokens are rounded to whole batches, so what differs by no more than a batch is one. */
    static Levels ofTokens(List<CellResult> cells) {
        List<CellResult> sorted = cells.stream()
                .filter(cell -> cell.tokens() > 0)
                .sorted(Comparator.comparingDouble(CellResult::tokens))
                .toList();
        double[] kept = new double[sorted.size()];
        int count = 0;
        for (CellResult cell : sorted) {
            if (count == 0
                    || cell.tokens() > kept[count - 1] * SAME && cell.tokens() - kept[count - 1] > cell.batchTokens()) {
                kept[count++] = cell.tokens();
            }
        }
        return new Levels(java.util.Arrays.copyOf(kept, count));
    }

    int size() {
        return values.length;
    }

    /** The level that a value belongs to: the nearest on a log scale. */
    int of(double value) {
        int best = 0;
        for (int i = 1; i < values.length; i++) {
            if (Math.abs(Math.log(values[i] / value)) < Math.abs(Math.log(values[best] / value))) {
                best = i;
            }
        }
        return best;
    }

    String colour(double value) {
        return Palette.ordered(of(value), size());
    }
}
