package dev.powersweep.orchestrator.view;

import java.util.ArrayList;
import java.util.Arrays;
import java.util.Comparator;
import java.util.HashMap;
import java.util.List;
import java.util.Map;

/**
 * Cells that two sweeps have in common: of one shape, as many tokens, one batch and one replicate, whatever else differs;
 * of several such in a sweep the one with the lowest loss counts.
 *
 * @param pairs those with the largest difference first
 */
record SameCells(List<Pair> pairs) {

    /** @param difference the other's loss less the first one's, in the unit of the comparison */
    record Pair(CellView first, CellView other, double difference) {}

    private record Key(String shape, long parameters, long tokens, long batchTokens, long seed) {
        static Key of(CellView cell) {
            return new Key(
                    cell.plan().shape(),
                    cell.plan().parameters(),
                    cell.plan().tokens(),
                    cell.plan().batchTokens(),
                    cell.plan().seed());
        }
    }

    /**
     * @param firstFactor from nats per token to the unit of the comparison
     * @param otherFactor the same of the other sweep
     */
    static SameCells of(SweepPicture first, double firstFactor, SweepPicture other, double otherFactor) {
        Map<Key, CellView> ours = best(first);
        List<Pair> pairs = new ArrayList<>();
        best(other).forEach((key, cell) -> {
            CellView same = ours.get(key);
            if (same != null) {
                pairs.add(new Pair(same, cell, otherFactor * cell.loss() - firstFactor * same.loss()));
            }
        });
        pairs.sort(Comparator.comparingDouble((Pair pair) -> -Math.abs(pair.difference()))
                .thenComparing(pair -> pair.first().plan().name()));
        return new SameCells(List.copyOf(pairs));
    }

    private static Map<Key, CellView> best(SweepPicture picture) {
        Map<Key, CellView> best = new HashMap<>();
        for (CellView cell : picture.cells()) {
            if (Double.isFinite(cell.loss())) {
                best.merge(Key.of(cell), cell, (one, two) -> one.loss() <= two.loss() ? one : two);
            }
        }
        return best;
    }

    /** Pairs of which the other's loss is lower. */
    long lower() {
        return pairs.stream().filter(pair -> pair.difference() < 0).count();
    }

    double median() {
        double[] sorted = pairs.stream().mapToDouble(Pair::difference).sorted().toArray();
        int n = sorted.length;
        return n == 0 ? Double.NaN : (sorted[(n - 1) / 2] + sorted[n / 2]) / 2;
    }

    double mean() {
        return pairs.stream().mapToDouble(Pair::difference).average().orElse(Double.NaN);
    }

    /** Of the mean, over pairs; NaN for fewer than two. */
    double standardError() {
        double[] all = pairs.stream().mapToDouble(Pair::difference).toArray();
        double mean = mean();
        double squares =
                Arrays.stream(all).map(each -> (each - mean) * (each - mean)).sum();
        return all.length < 2 ? Double.NaN : Math.sqrt(squares / (all.length - 1) / all.length);
    }
}
