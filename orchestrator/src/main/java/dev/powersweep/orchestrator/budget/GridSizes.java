package dev.powersweep.orchestrator.budget;

import java.util.Map;
import java.util.NavigableMap;
import java.util.TreeMap;

/**
 * Model sizes as a grid names them by what laws count. They differ where a program reports its own N for shapes of the
 * grid ({@code trainer.parameters: reported}): between two sizes that are known the grid's is a power of the reported one.
 *
 * @param known the grid's size of each reported one; empty where the grid's sizes are those that laws count
 */
public record GridSizes(NavigableMap<Double, Double> known) {
    public static final GridSizes COUNTED = new GridSizes(new TreeMap<>());

    public GridSizes {
        known = new TreeMap<>(known);
    }

    /** The size to ask the grid for. */
    double of(double reported) {
        if (known.isEmpty()) {
            return reported;
        }
        Map.Entry<Double, Double> low = known.floorEntry(reported);
        Map.Entry<Double, Double> high = known.higherEntry(reported);
        if (low == null) {
            low = known.firstEntry();
            high = known.higherEntry(low.getKey());
        } else if (high == null) {
            high = known.lastEntry();
            low = known.lowerEntry(high.getKey());
        }
        if (low == null || high == null) {
            Map.Entry<Double, Double> only = known.firstEntry();
            return reported / only.getKey() * only.getValue();
        }
        double power = Math.log(high.getValue() / low.getValue()) / Math.log(high.getKey() / low.getKey());
        return low.getValue() * Math.pow(reported / low.getKey(), power);
    }
}
