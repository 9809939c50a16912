package dev.powersweep.orchestrator.viewer;

import java.util.TreeMap;

/**
 * A training curve as means over equal parts of the logarithm of tokens seen: as many points early as late, and less noise
 * where there are many steps. Parts can be joined in any order.
 */
final class MeanCurve {
    private static final double PARTS_AN_OCTAVE = 8;

    /** Sums of one part. */
    private static final class Sums {
        private long count;
        private double tokens;
        private double loss;
    }

    /** @param loss nats/token */
    record Points(double[] tokens, double[] loss) {}

    private final TreeMap<Integer, Sums> parts = new TreeMap<>();

    /** Adds a step; what is no number is passed over. */
    void add(double tokens, double loss) {
        if (tokens > 0 && Double.isFinite(tokens) && Double.isFinite(loss)) {
            int part = (int) Math.floor(PARTS_AN_OCTAVE * Math.log(tokens) / Math.log(2));
            add(part, 1, tokens, loss);
        }
    }

    void add(MeanCurve other) {
        other.parts.forEach((part, sums) -> add(part, sums.count, sums.tokens, sums.loss));
    }

    private void add(int part, long count, double tokens, double loss) {
        Sums sums = parts.computeIfAbsent(part, key -> new Sums());
        sums.count += count;
        sums.tokens += tokens;
        sums.loss += loss;
    }

    Points points() {
        return new Points(
                parts.values().stream()
                        .mapToDouble(sums -> sums.tokens / sums.count)
                        .toArray(),
                parts.values().stream()
                        .mapToDouble(sums -> sums.loss / sums.count)
                        .toArray());
    }
}
