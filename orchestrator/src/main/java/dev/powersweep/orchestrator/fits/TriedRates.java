package dev.powersweep.orchestrator.fits;

import dev.powersweep.fitting.surface.RateRule;
import dev.powersweep.orchestrator.results.CellResult;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.TreeSet;

/**
 * How well the learning rates of a sweep are tuned. Laws in N, D and B describe the loss at the best rate; what a rate loses
 * against the best one differs along N, D and B, and bends them.
 */
final class TriedRates {
    private final Map<String, List<CellResult>> byScale;

    TriedRates(List<CellResult> cells) {
        this.byScale = Selection.byScale(cells);
    }

    /** Whether any model, data and batch size was trained at several rates or with several settings. */
    boolean several() {
        return byScale.values().stream().anyMatch(cells -> rates(cells) > 1 || settings(cells) > 1);
    }

    /** What readers of the fits must know, a sentence each. */
    List<String> notes() {
        List<String> notes = new ArrayList<>();
        if (byScale.values().stream().noneMatch(cells -> rates(cells) > 1)) {
            notes.add(
                    "Rates untuned: every model, data and batch size was trained at one learning rate, so the laws hold for"
                            + " that rule and not for the best rate; vary grid.learningRates to tell how much it matters.");
        } else {
            long tuned =
                    byScale.values().stream().filter(cells -> rates(cells) > 2).count();
            long edge = byScale.values().stream()
                    .filter(cells -> rates(cells) > 1)
                    .filter(TriedRates::bestAtEdge)
                    .count();
            notes.add(
                    "Losses are those at the best learning rate of every model, data and batch size, by a quadratic in its"
                            + " logarithm; " + tuned + " of " + byScale.size()
                            + " were trained at three rates or more.");
            if (edge > 0) {
                notes.add("In " + edge
                        + " of them no minimum lies inside the rates that were tried, so the loss there is an"
                        + " upper bound; widen grid.learningRates.");
            }
        }
        TreeSet<String> varied = new TreeSet<>();
        byScale.values().stream()
                .filter(cells -> settings(cells) > 1)
                .forEach(cells -> varied.addAll(cells.get(0).settings().keySet()));
        if (!varied.isEmpty()) {
            notes.add("The sweep also varies " + String.join(", ", varied)
                    + "; of every model, data and batch size the setting of lowest loss counts.");
        }
        return notes;
    }

    /** What untuned rates mean for every sentence about N, D and B; empty where several were tried. */
    Optional<Reading> reading() {
        return byScale.values().stream().anyMatch(cells -> rates(cells) > 1)
                ? Optional.empty()
                : Optional.of(
                        new Reading(
                                "Rates untuned: all this holds for the rule that set the learning rates. At the best rate of each size"
                                        + " losses, exponents and the critical batch size would be others.",
                                "One learning rate was tried for every model, data and batch size; grid.learningRates tries more."));
    }

    private static boolean bestAtEdge(List<CellResult> cells) {
        return BestRate.optimum(cells)
                .map(found -> found.place() == RateRule.Place.LOWER_EDGE || found.place() == RateRule.Place.UPPER_EDGE)
                .orElse(true);
    }

    private static long rates(List<CellResult> cells) {
        return cells.stream().mapToDouble(CellResult::learningRate).distinct().count();
    }

    private static long settings(List<CellResult> cells) {
        return cells.stream().map(CellResult::settings).distinct().count();
    }
}
