package dev.powersweep.orchestrator.report.sections;

import dev.powersweep.fitting.result.FitResult;
import dev.powersweep.orchestrator.fits.FitSet;
import dev.powersweep.orchestrator.fits.Selection;
import dev.powersweep.orchestrator.results.CellResult;
import dev.powersweep.orchestrator.results.SweepResults;
import dev.powersweep.orchestrator.text.Numbers;
import java.util.List;
import java.util.Optional;

/** What the sections of the fits have in common: the cells, their levels and the law in N and D that is drawn. */
record Fits(SweepResults results, FitSet set, List<CellResult> cells, Levels models, Levels data) {
    /** Laws in N and D, the most general first. */
    private static final List<String> JOINT = List.of("chinchilla", "chinchilla-tied", "kaplan-nd");

    static Fits of(SweepResults results, FitSet set) {
        List<CellResult> cells = Selection.BEST_BATCH.of(results.usable());
        return new Fits(results, set, cells, Levels.of(cells, CellResult::parameters), Levels.ofTokens(cells));
    }

    Optional<FitResult> joint() {
        return JOINT.stream().flatMap(law -> set.of(law).stream()).findFirst();
    }

    /** The level of the intervals, as in "95 %". */
    String level() {
        return Numbers.percent(set.options().confidence(), 3);
    }

    static double[] losses(List<CellResult> cells) {
        return cells.stream()
                .mapToDouble(cell -> cell.validationLoss().getAsDouble())
                .toArray();
    }

    static List<String> names(List<CellResult> cells) {
        return cells.stream().map(CellResult::name).toList();
    }

    /** Formula with the fitted numbers: {@code E = 1.21, A = 28}. */
    static String values(FitResult fit) {
        return String.join(
                ", ",
                fit.parameters().entrySet().stream()
                        .map(entry -> entry.getKey() + " = "
                                + Numbers.significant(entry.getValue().value(), 3))
                        .toList());
    }
}
