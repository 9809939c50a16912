package dev.powersweep.orchestrator.fits;

import dev.powersweep.fitting.Fitter;
import dev.powersweep.fitting.Laws;
import dev.powersweep.fitting.law.KaplanForms;
import dev.powersweep.fitting.law.Law;
import dev.powersweep.fitting.result.FitOptions;
import dev.powersweep.fitting.result.FitResult;
import dev.powersweep.fitting.runs.FitRefusal;
import dev.powersweep.fitting.runs.Observations;
import dev.powersweep.fitting.runs.Quantity;
import dev.powersweep.orchestrator.results.CellResult;
import dev.powersweep.orchestrator.results.LossCurve;
import dev.powersweep.orchestrator.results.SweepResults;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.Comparator;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Set;
import java.util.TreeMap;
import java.util.function.ToDoubleFunction;

/**
 * A sweep's cells in the quantities that laws of Kaplan et al. 2020 name: C_min and S_min through B_crit(L) (equations 5.4, 5.5),
 * and for repeated text the unique tokens with the lowest loss along each run, as if it had been stopped there.
 */
final class KaplanRows {
    private static final Set<String> OF_COMPUTE = Set.of("kaplan-cmin", "kaplan-cmin-irreducible");
    private static final String OF_STEPS = "kaplan-ns";
    private static final Map<String, Selection> OF_DATA = Map.of(
            "kaplan-d", Selection.LARGEST_MODEL,
            "kaplan-d-irreducible", Selection.LARGEST_MODEL,
            "kaplan-nd", Selection.BEST_BATCH);

    private static final double REPEATED = 1.01;

    /** Data sizes that differ by less are one. */
    private static final double NEAR = 1.02;

    private static final int FEWEST_SIZES = 3;

    private KaplanRows() {}

    /**
     * Rows for a law.
     *
     * @param selection which they are, in words
     * @param title of the law, where the rows are not what its own title says
     */
    record Chosen(Observations rows, String selection, Optional<String> title) {}

    /**
     * What a law is fitted to; empty where the ordinary rows are what it names.
     *
     * @throws FitRefusal where the quantity that it names cannot be had
     */
    static Optional<Chosen> of(Law law, SweepResults results, List<CellResult> usable, FitOptions options) {
        if (OF_COMPUTE.contains(law.name())) {
            return Optional.of(minimumCompute(law, results, usable, options));
        }
        if (law.name().equals(OF_STEPS)) {
            return Optional.of(minimumSteps(law, results, usable, options));
        }
        Selection selection = OF_DATA.get(law.name());
        if (selection == null) {
            return Optional.empty();
        }
        List<CellResult> cells = selection.of(usable);
        return cells.stream().anyMatch(KaplanRows::repeats)
                ? Optional.of(unique(law, selection, results, usable))
                : Optional.empty();
    }

    private static Chosen minimumCompute(Law law, SweepResults results, List<CellResult> usable, FitOptions options) {
        ToDoubleFunction<CellResult> critical = criticalBatch(law, results, usable, options);
        List<double[]> rows = Selection.BEST_RATE.of(usable).stream()
                .map(cell -> new double[] {
                    KaplanForms.minimumCompute(cell.kaplanFlops(), cell.batchTokens(), critical.applyAsDouble(cell)),
                    loss(cell)
                })
                .sorted(Comparator.<double[]>comparingDouble(row -> row[0]).thenComparingDouble(row -> row[1]))
                .toList();
        List<double[]> frontier = new ArrayList<>();
        for (double[] row : rows) {
            if (frontier.isEmpty() || row[1] < frontier.get(frontier.size() - 1)[1]) {
                frontier.add(row);
            }
        }
        return new Chosen(
                Observations.builder()
                        .column(Quantity.C, column(frontier, 0))
                        .column(Quantity.LOSS, column(frontier, 1))
                        .build(),
                "the cells that none of less C_min beats; C_min = C/(1 + B/B_crit(L)) by critical-batch",
                Optional.empty());
    }

    private static Chosen minimumSteps(Law law, SweepResults results, List<CellResult> usable, FitOptions options) {
        ToDoubleFunction<CellResult> critical = criticalBatch(law, results, usable, options);
        List<CellResult> cells = Selection.BEST_RATE.of(usable);
        return new Chosen(
                Observations.builder()
                        .column(Quantity.N, column(cells, CellResult::parameters))
                        .column(
                                Quantity.S,
                                column(
                                        cells,
                                        cell -> KaplanForms.minimumSteps(
                                                cell.tokensDone() / cell.batchTokens(),
                                                cell.batchTokens(),
                                                critical.applyAsDouble(cell))))
                        .column(Quantity.LOSS, column(cells, KaplanRows::loss))
                        .runs(cells.stream().map(CellResult::name).toArray(String[]::new))
                        .build(),
                "every finished cell at S_min = S/(1 + B_crit(L)/B) by critical-batch",
                Optional.empty());
    }

    /** B_crit at a cell's loss, B_star/L^(1/alpha_B). */
    private static ToDoubleFunction<CellResult> criticalBatch(
            Law law, SweepResults results, List<CellResult> usable, FitOptions options) {
        String minimum = law.name().equals(OF_STEPS) ? "S_min" : "C_min";
        String otherwise =
                law.name().equals(OF_STEPS) ? "" : ", or fit kaplan-c, the law of C at the batch of each run";
        String remedy = "; train each model with more batch sizes" + otherwise + ".";
        FitResult critical;
        try {
            critical = Fitter.fit(
                    Laws.byName("critical-batch"),
                    Selection.BEST_RATE.observations(results, usable),
                    options.bootstrap(0));
        } catch (FitRefusal refusal) {
            throw new FitRefusal(
                    refusal.reason(),
                    law.name() + " is a law of " + minimum + ", which needs B_crit(L), and these cells do not give it: "
                            + refusal.sentence() + " Remedy" + remedy.replaceFirst("^; ", ": "));
        }
        if (!critical.derived().containsKey("B_star") || !critical.derived().containsKey("alpha_B")) {
            throw new FitRefusal(
                    FitRefusal.Reason.TOO_FEW_SIZES,
                    law.name() + " is a law of " + minimum
                            + ", which needs B_crit(L), and these cells give a critical batch"
                            + " size at too few losses" + remedy);
        }
        double star = critical.value("B_star");
        double alpha = critical.value("alpha_B");
        return cell -> KaplanForms.criticalBatch(loss(cell), star, alpha);
    }

    private static Chosen unique(Law law, Selection selection, SweepResults results, List<CellResult> usable) {
        double largest =
                usable.stream().mapToDouble(CellResult::parameters).max().orElseThrow();
        List<CellResult> candidates = usable.stream()
                .filter(cell -> selection != Selection.LARGEST_MODEL || cell.parameters() > largest / NEAR)
                .toList();
        Map<String, Double> lowest = lowest(results);
        Map<List<Long>, double[]> best = new TreeMap<>(
                Comparator.<List<Long>>comparingLong(key -> key.get(0)).thenComparingLong(key -> key.get(1)));
        for (CellResult cell : candidates) {
            double text = text(cell);
            double loss = Math.min(loss(cell), lowest.getOrDefault(cell.id(), Double.POSITIVE_INFINITY));
            best.merge(
                    List.of(Math.round(cell.parameters()), Math.round(Math.log(text) / Math.log(NEAR) / 2)),
                    new double[] {cell.parameters(), text, loss},
                    (one, other) -> one[2] <= other[2] ? one : other);
        }
        List<double[]> rows = List.copyOf(best.values());
        long sizes = best.keySet().stream().map(key -> key.get(1)).distinct().count();
        if (sizes < FEWEST_SIZES) {
            return new Chosen(
                    selection.observations(results, usable),
                    selection.text(),
                    Optional.of(law.title()
                            + ", but of tokens seen: repeated text counts as new here, since there are fewer than three"
                            + " sizes of text"));
        }
        return new Chosen(
                Observations.builder()
                        .column(Quantity.N, column(rows, 0))
                        .column(Quantity.D, column(rows, 1))
                        .column(Quantity.LOSS, column(rows, 2))
                        .build(),
                "D is the text without repetitions, and the loss the lowest that any run on it had along the way (early"
                        + " stopping)" + (selection == Selection.LARGEST_MODEL ? "; the largest model" : ""),
                Optional.empty());
    }

    /** The lowest validation loss along each run. */
    private static Map<String, Double> lowest(SweepResults results) {
        Map<String, Double> lowest = new HashMap<>();
        for (LossCurve curve : results.validation()) {
            Arrays.stream(curve.loss())
                    .filter(loss -> loss > 0)
                    .min()
                    .ifPresent(loss -> lowest.merge(curve.cell(), loss, Math::min));
        }
        return lowest;
    }

    private static boolean repeats(CellResult cell) {
        return cell.tokensDone() > cell.uniqueTokens() * REPEATED;
    }

    private static double text(CellResult cell) {
        return Math.min(cell.uniqueTokens(), cell.tokensDone());
    }

    private static double loss(CellResult cell) {
        return cell.validationLoss().orElseThrow();
    }

    private static double[] column(List<double[]> rows, int at) {
        return rows.stream().mapToDouble(row -> row[at]).toArray();
    }

    private static double[] column(List<CellResult> cells, ToDoubleFunction<CellResult> quantity) {
        return cells.stream().mapToDouble(quantity).toArray();
    }
}
