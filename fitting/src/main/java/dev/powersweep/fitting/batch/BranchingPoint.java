package dev.powersweep.fitting.batch;

import dev.powersweep.fitting.runs.Observations;
import dev.powersweep.fitting.runs.Quantity;
import java.util.ArrayList;
import java.util.Comparator;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.TreeMap;

/**
 * Branches that began where trunks of one model size had seen equally many tokens.
 *
 * @param n parameters; NaN where the runs do not tell
 * @param at tokens that the trunks had seen
 * @param trunks one for each run that was branched; seeds of one another
 */
public record BranchingPoint(double n, double at, List<Trunk> trunks) {
    /** Fewer batches tell no more than which of them did better. */
    public static final int FEWEST_BATCHES = 2;

    /**
     * The branches of one trunk.
     *
     * @param byBatch by batch size in tokens, the smallest first
     */
    public record Trunk(TreeMap<Double, Branch> byBatch) {}

    /**
     * Where a branch ended.
     *
     * @param loss nats per token; infinite where the branch diverged
     * @param error standard error of the loss by its evaluation; NaN where none is known
     */
    public record Branch(double loss, double error) {
        boolean diverged() {
            return loss == Double.POSITIVE_INFINITY;
        }
    }

    public BranchingPoint {
        trunks = List.copyOf(trunks);
    }

    /**
     * The points of runs, by model size and then by tokens. A run is a trunk, its rows are branches; of two rows of one trunk
     * with one batch the first counts.
     */
    public static List<BranchingPoint> of(Observations runs) {
        Map<List<Double>, Map<Integer, TreeMap<Double, Branch>>> places = new LinkedHashMap<>();
        for (int row = 0; row < runs.size(); row++) {
            double n = runs.has(Quantity.N) ? runs.at(Quantity.N, row) : Double.NaN;
            double error = runs.has(Quantity.LOSS_ERROR) ? runs.at(Quantity.LOSS_ERROR, row) : Double.NaN;
            places.computeIfAbsent(List.of(n, runs.at(Quantity.BRANCH, row)), place -> new LinkedHashMap<>())
                    .computeIfAbsent(runs.runOf(row), run -> new TreeMap<>())
                    .putIfAbsent(runs.at(Quantity.B, row), new Branch(runs.at(Quantity.LOSS, row), error));
        }
        List<BranchingPoint> points = new ArrayList<>();
        places.forEach((place, runsThere) -> points.add(new BranchingPoint(
                place.get(0),
                place.get(1),
                runsThere.values().stream().map(Trunk::new).toList())));
        points.sort(Comparator.comparingDouble(BranchingPoint::n).thenComparingDouble(BranchingPoint::at));
        return points;
    }

    /**
     * The smallest batch of any trunk, with which the others are compared; trunks that lack it, or whose branch of it diverged,
     * are left out.
     *
     * @return empty where no trunk has another batch beside it
     */
    Optional<BranchLosses> losses() {
        double smallest = smallest();
        List<Trunk> compared = trunks.stream()
                .filter(trunk -> trunk.byBatch().firstKey() == smallest)
                .filter(trunk -> !trunk.byBatch().get(smallest).diverged())
                .filter(trunk -> trunk.byBatch().size() >= FEWEST_BATCHES)
                .toList();
        return compared.isEmpty() ? Optional.empty() : Optional.of(new BranchLosses(compared));
    }

    /** In tokens, of any trunk. */
    double smallest() {
        return trunks.stream()
                .mapToDouble(trunk -> trunk.byBatch().firstKey())
                .min()
                .orElse(Double.NaN);
    }

    /** Trunks whose branch of the smallest batch diverged, so that their others are compared with nothing. */
    long withoutReference() {
        double smallest = smallest();
        return trunks.stream()
                .filter(trunk -> trunk.byBatch().containsKey(smallest))
                .filter(trunk -> trunk.byBatch().get(smallest).diverged())
                .count();
    }
}
