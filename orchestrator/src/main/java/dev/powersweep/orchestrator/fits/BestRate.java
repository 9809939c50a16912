package dev.powersweep.orchestrator.fits;

import dev.powersweep.fitting.surface.RateRule;
import dev.powersweep.orchestrator.results.CellResult;
import java.util.Comparator;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.TreeMap;
import java.util.stream.Collectors;

/**
 * The loss at the best learning rate of one model, data and batch size. Where the minimum of a quadratic in ln η lies inside
 * the rates that were tried, losses are moved to it from the best rate tried; elsewhere the lowest one measured stays, an
 * upper bound. Rates are never averaged as if they were seeds; of several settings that of the lowest loss counts.
 */
public final class BestRate {
    private static final int FEWEST_RATES = 3;

    /**
     * Share of the rise to the worse neighbour by which a minimum may lie below the best rate; a parabola through rates
     * equally far apart needs an eighth at most, and a fit that says more is none.
     */
    private static final double DEEPEST = 0.25;

    private BestRate() {}

    /** All seeds of the batch, rate and settings of lowest mean loss, as measured. */
    static List<CellResult> measured(List<CellResult> cells) {
        Map<List<Object>, List<CellResult>> rules = cells.stream()
                .collect(Collectors.groupingBy(
                        cell -> List.of(cell.batchTokens(), cell.learningRate(), cell.settings())));
        return rules.values().stream()
                .min(Comparator.comparingDouble(BestRate::loss))
                .orElseThrow();
    }

    /**
     * The same with their losses at the minimum, and its rate.
     *
     * @param cells of one model, data and batch size
     */
    static List<CellResult> at(List<CellResult> cells) {
        List<CellResult> best = measured(cells);
        return optimum(cells)
                .filter(found -> found.place() == RateRule.Place.INSIDE && credible(cells, found))
                .map(found -> moved(best, found))
                .orElse(best);
    }

    /** The minimum over the rates of the best settings; empty where fewer than three were tried. */
    public static Optional<RateRule.Optimum> optimum(List<CellResult> cells) {
        TreeMap<Double, Double> losses = losses(cells);
        CellResult best = measured(cells).get(0);
        if (losses.size() < FEWEST_RATES) {
            return Optional.empty();
        }
        return Optional.of(RateRule.best(new RateRule.Trial(
                best.parameters(),
                best.batchTokens(),
                best.tokens(),
                losses.keySet().stream().mapToDouble(Double::doubleValue).toArray(),
                losses.values().stream().mapToDouble(Double::doubleValue).toArray())));
    }

    /** Mean loss by rate, of the best settings. */
    public static TreeMap<Double, Double> losses(List<CellResult> cells) {
        CellResult best = measured(cells).get(0);
        return cells.stream()
                .filter(cell -> cell.settings().equals(best.settings()))
                .collect(Collectors.groupingBy(
                        CellResult::learningRate, TreeMap::new, Collectors.averagingDouble(cell -> cell.validationLoss()
                                .getAsDouble())));
    }

    private static boolean credible(List<CellResult> cells, RateRule.Optimum found) {
        TreeMap<Double, Double> losses = losses(cells);
        double rate = measured(cells).get(0).learningRate();
        Map.Entry<Double, Double> lower = losses.lowerEntry(rate);
        Map.Entry<Double, Double> higher = losses.higherEntry(rate);
        if (lower == null || higher == null) {
            return false;
        }
        double rise = Math.max(lower.getValue(), higher.getValue()) - losses.get(rate);
        return losses.get(rate) - found.loss() <= DEEPEST * rise;
    }

    private static List<CellResult> moved(List<CellResult> best, RateRule.Optimum to) {
        double shift = to.loss() - loss(best);
        return best.stream()
                .map(cell -> cell.at(to.rate(), cell.validationLoss().getAsDouble() + shift))
                .toList();
    }

    private static double loss(List<CellResult> seeds) {
        return seeds.stream()
                .mapToDouble(cell -> cell.validationLoss().getAsDouble())
                .average()
                .orElseThrow();
    }
}
