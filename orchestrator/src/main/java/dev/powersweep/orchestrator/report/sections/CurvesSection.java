package dev.powersweep.orchestrator.report.sections;

import dev.powersweep.orchestrator.report.Block;
import dev.powersweep.orchestrator.report.Chart;
import dev.powersweep.orchestrator.report.Downsample;
import dev.powersweep.orchestrator.report.Palette;
import dev.powersweep.orchestrator.report.ReportModel;
import dev.powersweep.orchestrator.results.CellResult;
import dev.powersweep.orchestrator.results.LossCurve;
import dev.powersweep.orchestrator.results.SweepResults;
import dev.powersweep.orchestrator.text.Numbers;
import java.util.ArrayList;
import java.util.Comparator;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.function.Function;
import java.util.stream.Collectors;

/** How the loss fell: along tokens, and along compute with the lower envelope of all runs. */
final class CurvesSection {
    /** Points of one figure; more would be drawn on top of each other. */
    private static final int POINTS = 24_000;

    /** Of the means, over the whole length of a curve. */
    private static final int STRETCHES = 60;

    private CurvesSection() {}

    static Optional<ReportModel.Section> of(SweepResults results) {
        if (results.training().isEmpty() && results.validation().isEmpty()) {
            return Optional.empty();
        }
        Map<String, CellResult> cells =
                results.cells().stream().collect(Collectors.toMap(CellResult::id, Function.identity()));
        Levels models = Levels.of(results.cells(), CellResult::parameters);
        List<Block> blocks = new ArrayList<>();
        if (!results.training().isEmpty()) {
            blocks.add(new Block.Figure(
                    "Training loss of every cell",
                    new Chart(
                            Chart.Axis.log("tokens seen", Chart.Ticks.SHORT_SCALE),
                            Chart.Axis.log("training loss, nats per token", Chart.Ticks.PLAIN),
                            training(results.training(), cells, models),
                            400),
                    "Lines: mean over stretches of equal width on the log axis. Haze behind them: the loss of each step's"
                            + " batch, of which each stretch keeps the lowest and the highest.",
                    Block.Width.FULL));
        }
        if (!results.validation().isEmpty()) {
            blocks.add(new Block.Figure(
                    "Validation loss along the data",
                    new Chart(
                            Chart.Axis.log("tokens seen", Chart.Ticks.SHORT_SCALE),
                            Chart.Axis.log("validation loss, nats per token", Chart.Ticks.PLAIN),
                            lines(results.validation(), cells, models),
                            360),
                    "Held-out loss while training. Only a run's end is fitted: before it the learning rate has not"
                            + " come down.",
                    Block.Width.HALF));
            blocks.add(new Block.Figure(
                    "Validation loss along the compute",
                    new Chart(
                            Chart.Axis.log("compute 6·N·tokens, FLOPs", Chart.Ticks.POWERS),
                            Chart.Axis.log("validation loss, nats per token", Chart.Ticks.PLAIN),
                            alongCompute(results.validation(), cells, models),
                            360),
                    "The same curves against the compute spent; the dashed line is their lower envelope, the best loss"
                            + " that any cell had reached for that compute.",
                    Block.Width.HALF));
        }
        return Optional.of(new ReportModel.Section(
                "curves",
                "Loss curves",
                "Every cell's loss from its first step to its last. Cells that diverged or failed are drawn as far as"
                        + " they came.",
                blocks));
    }

    private static List<Chart.Series> training(List<LossCurve> curves, Map<String, CellResult> cells, Levels models) {
        int buckets = Math.max(30, POINTS / (2 * curves.size()));
        List<Chart.Series> haze = new ArrayList<>();
        List<Chart.Series> lines = new ArrayList<>();
        for (LossCurve curve : bySize(curves, cells)) {
            double n = cells.get(curve.cell()).parameters();
            Downsample thin = Downsample.minMax(curve.tokens(), curve.loss(), buckets);
            Downsample mean = Downsample.mean(curve.tokens(), curve.loss(), STRETCHES);
            haze.add(new Chart.Line("", models.colour(n), Chart.Stroke.HAZE, thin.x(), thin.y()));
            lines.add(new Chart.Line(legend(models, n), models.colour(n), Chart.Stroke.THIN, mean.x(), mean.y()));
        }
        haze.addAll(lines);
        return haze;
    }

    private static List<Chart.Series> lines(List<LossCurve> curves, Map<String, CellResult> cells, Levels models) {
        List<Chart.Series> series = new ArrayList<>();
        for (LossCurve curve : bySize(curves, cells)) {
            double n = cells.get(curve.cell()).parameters();
            series.add(new Chart.Line(
                    legend(models, n), models.colour(n), Chart.Stroke.THIN, curve.tokens(), curve.loss()));
        }
        return series;
    }

    private static List<Chart.Series> alongCompute(
            List<LossCurve> curves, Map<String, CellResult> cells, Levels models) {
        List<Chart.Series> series = new ArrayList<>();
        List<double[]> all = new ArrayList<>();
        for (LossCurve curve : bySize(curves, cells)) {
            double n = cells.get(curve.cell()).parameters();
            double[] compute = new double[curve.tokens().length];
            for (int i = 0; i < compute.length; i++) {
                compute[i] = 6 * n * curve.tokens()[i];
                all.add(new double[] {compute[i], curve.loss()[i]});
            }
            series.add(new Chart.Line(legend(models, n), models.colour(n), Chart.Stroke.FAINT, compute, curve.loss()));
        }
        series.add(envelope(all));
        return series;
    }

    private static Chart.Line envelope(List<double[]> points) {
        points.sort(Comparator.comparingDouble(point -> point[0]));
        List<double[]> lowest = new ArrayList<>();
        for (double[] point : points) {
            if (lowest.isEmpty() || point[1] < lowest.get(lowest.size() - 1)[1]) {
                lowest.add(point);
            }
        }
        return new Chart.Line(
                "lower envelope",
                Palette.VERMILION,
                Chart.Stroke.DASHED,
                lowest.stream().mapToDouble(point -> point[0]).toArray(),
                lowest.stream().mapToDouble(point -> point[1]).toArray());
    }

    private static List<LossCurve> bySize(List<LossCurve> curves, Map<String, CellResult> cells) {
        Map<String, Double> size = new HashMap<>();
        cells.forEach((id, cell) -> size.put(id, cell.parameters()));
        return curves.stream()
                .filter(curve -> size.containsKey(curve.cell()) && curve.loss().length > 0)
                .sorted(Comparator.comparing(curve -> size.get(curve.cell())))
                .toList();
    }

    private static String legend(Levels models, double n) {
        return "N = " + Numbers.count(models.values()[models.of(n)]);
    }
}
