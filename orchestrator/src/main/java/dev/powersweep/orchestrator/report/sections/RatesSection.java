package dev.powersweep.orchestrator.report.sections;

import dev.powersweep.fitting.surface.RateRule;
import dev.powersweep.orchestrator.fits.BestRate;
import dev.powersweep.orchestrator.fits.Selection;
import dev.powersweep.orchestrator.report.Block;
import dev.powersweep.orchestrator.report.Chart;
import dev.powersweep.orchestrator.report.Palette;
import dev.powersweep.orchestrator.report.ReportModel;
import dev.powersweep.orchestrator.results.CellResult;
import dev.powersweep.orchestrator.results.SweepResults;
import dev.powersweep.orchestrator.text.Numbers;
import java.util.ArrayList;
import java.util.Comparator;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.TreeMap;

/** Loss against the learning rate at each model, data and batch size, and the best rates that follow. */
final class RatesSection {
    private static final int MOST_CURVES = 16;

    private RatesSection() {}

    /** Empty where no model, data and batch size was trained at several rates. */
    static Optional<ReportModel.Section> of(SweepResults results) {
        List<List<CellResult>> scales = Selection.byScale(results.usable()).values().stream()
                .filter(cells -> BestRate.losses(cells).size() > 1)
                .sorted(Comparator.comparingDouble(
                                (List<CellResult> cells) -> cells.get(0).parameters())
                        .thenComparingDouble(cells -> cells.get(0).tokens())
                        .thenComparingDouble(cells -> cells.get(0).batchTokens()))
                .toList();
        if (scales.isEmpty()) {
            return Optional.empty();
        }
        return Optional.of(new ReportModel.Section(
                "rates",
                "Learning rates",
                "Laws in N, D and B take the loss at the best rate: the minimum of a quadratic in ln η where it lies inside"
                        + " the rates that were tried.",
                List.of(curves(scales), table(scales))));
    }

    private static Block.Figure curves(List<List<CellResult>> all) {
        List<List<CellResult>> scales = all.size() <= MOST_CURVES ? all : all.subList(0, MOST_CURVES);
        List<Chart.Series> series = new ArrayList<>();
        List<Double> rates = new ArrayList<>();
        List<Double> losses = new ArrayList<>();
        for (int i = 0; i < scales.size(); i++) {
            TreeMap<Double, Double> curve = BestRate.losses(scales.get(i));
            double[] x =
                    curve.keySet().stream().mapToDouble(Double::doubleValue).toArray();
            double[] y =
                    curve.values().stream().mapToDouble(Double::doubleValue).toArray();
            String colour = Palette.ordered(i, scales.size());
            series.add(new Chart.Line("", colour, Chart.Stroke.THIN, x, y));
            series.add(new Chart.Points(name(scales.get(i).get(0)), colour, Marks.symbol(i), x, y, List.of()));
            BestRate.optimum(scales.get(i))
                    .filter(found -> found.place() == RateRule.Place.INSIDE)
                    .ifPresent(found -> {
                        rates.add(found.rate());
                        losses.add(found.loss());
                    });
        }
        series.add(new Chart.Points(
                "minimum",
                Palette.INK,
                Chart.Symbol.HOLLOW,
                rates.stream().mapToDouble(Double::doubleValue).toArray(),
                losses.stream().mapToDouble(Double::doubleValue).toArray(),
                List.of()));
        return new Block.Figure(
                "Loss against the learning rate",
                new Chart(
                        Chart.Axis.log("peak learning rate η", Chart.Ticks.PLAIN),
                        Chart.Axis.log("validation loss, nats per token", Chart.Ticks.PLAIN),
                        series,
                        380),
                (all.size() > MOST_CURVES
                                ? "The first " + MOST_CURVES + " of " + all.size() + " sizes are drawn. "
                                : "")
                        + "Means over seeds; rates that diverged are not drawn.",
                Block.Width.FULL);
    }

    private static Block.Table table(List<List<CellResult>> scales) {
        return new Block.Table(
                "Best learning rates",
                List.of(
                        new Block.Column("N", true),
                        new Block.Column("D", true),
                        new Block.Column("B", true),
                        new Block.Column("rates", true),
                        new Block.Column("best rate", true),
                        new Block.Column("loss there", true),
                        new Block.Column("where it lies", false)),
                scales.stream().map(RatesSection::row).toList());
    }

    private static List<Block.Cell> row(List<CellResult> cells) {
        CellResult of = cells.get(0);
        TreeMap<Double, Double> losses = BestRate.losses(cells);
        Map.Entry<Double, Double> lowest =
                losses.entrySet().stream().min(Map.Entry.comparingByValue()).orElseThrow();
        Optional<RateRule.Optimum> found = BestRate.optimum(cells);
        boolean inside =
                found.filter(one -> one.place() == RateRule.Place.INSIDE).isPresent();
        return List.of(
                Block.Cell.of(Numbers.count(of.parameters())),
                Block.Cell.of(Numbers.count(of.tokens())),
                Block.Cell.of(Numbers.count(of.batchTokens(), 4)),
                Block.Cell.of(Integer.toString(losses.size())),
                Block.Cell.of(Numbers.significant(inside ? found.get().rate() : lowest.getKey(), 3)),
                Block.Cell.of(Numbers.fixed(inside ? found.get().loss() : lowest.getValue(), 4)),
                inside
                        ? new Block.Cell("inside the rates tried", Block.Tone.GOOD)
                        : new Block.Cell(place(found, losses, lowest.getKey()), Block.Tone.WARNING));
    }

    private static String place(Optional<RateRule.Optimum> found, TreeMap<Double, Double> losses, double best) {
        if (best == losses.firstKey()) {
            return "the lowest rate tried: a bound";
        }
        if (best == losses.lastKey()) {
            return "the highest rate tried: a bound";
        }
        return found.isEmpty() ? "too few rates to tell" : "no minimum by a quadratic: as measured";
    }

    private static String name(CellResult cell) {
        return "N " + Numbers.count(cell.parameters()) + ", D " + Numbers.count(cell.tokens(), 2) + ", B "
                + Numbers.count(cell.batchTokens(), 4);
    }
}
