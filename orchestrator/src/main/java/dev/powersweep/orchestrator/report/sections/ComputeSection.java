package dev.powersweep.orchestrator.report.sections;

import dev.powersweep.fitting.result.FitResult;
import dev.powersweep.fitting.runs.Point;
import dev.powersweep.fitting.runs.Quantity;
import dev.powersweep.orchestrator.report.Block;
import dev.powersweep.orchestrator.report.Chart;
import dev.powersweep.orchestrator.report.Palette;
import dev.powersweep.orchestrator.report.ReportModel;
import dev.powersweep.orchestrator.results.CellResult;
import dev.powersweep.orchestrator.text.Numbers;
import java.util.ArrayList;
import java.util.Comparator;
import java.util.List;
import java.util.Optional;
import java.util.stream.Stream;

/** The loss against compute, its efficient frontier, and the sizes on that frontier. */
final class ComputeSection {
    private static final double BEYOND = 30;

    private ComputeSection() {}

    static Optional<ReportModel.Section> of(Fits fits) {
        if (fits.cells().isEmpty()) {
            return Optional.empty();
        }
        double low =
                fits.cells().stream().mapToDouble(CellResult::kaplanFlops).min().orElseThrow();
        double high =
                fits.cells().stream().mapToDouble(CellResult::kaplanFlops).max().orElseThrow();
        Optional<Frontier> frontier = fits.joint().map(fit -> Frontier.of(fit, LawCurve.logSpaced(low, high * BEYOND)));
        List<Block> blocks = new ArrayList<>();
        blocks.add(loss(fits, frontier));
        frontier.ifPresent(optimum -> blocks.add(sizes(fits, optimum, high)));
        return Optional.of(new ReportModel.Section(
                "compute",
                "Compute and the efficient frontier",
                "How low the loss gets for a budget of C = 6·N·D FLOPs, and how the budget is best shared between"
                        + " model and data. Right of the cells everything is extrapolated.",
                blocks));
    }

    private static Block.Figure loss(Fits fits, Optional<Frontier> frontier) {
        List<Chart.Series> series = new ArrayList<>();
        List<String> caption = new ArrayList<>();
        frontier.ifPresent(optimum -> {
            if (!Double.isNaN(optimum.loss()[1][0])) {
                series.add(new Chart.Band(
                        "where the frontier lies (" + fits.level() + ")",
                        Palette.VERMILION,
                        0.22,
                        optimum.compute(),
                        optimum.loss()[1],
                        optimum.loss()[2]));
            }
            FitResult fit = fits.joint().orElseThrow();
            series.add(new Chart.Line(
                    "efficient frontier by " + fit.law(),
                    Palette.VERMILION,
                    Chart.Stroke.SOLID,
                    optimum.compute(),
                    optimum.loss()[0]));
            caption.add("The frontier is the lowest loss of the law over all ways to spend C.");
        });
        Stream.of("kaplan-c", "kaplan-c-irreducible")
                .flatMap(law -> fits.set().of(law).stream())
                .min(Comparator.comparingDouble(fit -> fit.quality().aicc()))
                .ifPresent(fit -> {
                    double[] compute = frontier.map(Frontier::compute)
                            .orElseGet(() -> LawCurve.logSpaced(
                                    fits.cells().get(0).kaplanFlops(),
                                    fits.cells().get(0).kaplanFlops() * 1000));
                    LawCurve curve = LawCurve.of(fit, compute, c -> Point.of(Quantity.C, c));
                    curve.addBands(series, Palette.GREY, fits.level());
                    series.add(curve.line(fit.law() + " fit", Palette.INK, Chart.Stroke.DASHED));
                    caption.add("Dashed: " + fit.formula() + " with " + Fits.values(fit) + ", through the cells that no"
                            + " cheaper cell beats.");
                });
        for (int level = 0; level < fits.models().size(); level++) {
            int at = level;
            List<CellResult> cells = fits.cells().stream()
                    .filter(cell -> fits.models().of(cell.parameters()) == at)
                    .toList();
            series.add(new Chart.Points(
                    "N = " + Numbers.count(fits.models().values()[level]),
                    Palette.ordered(level, fits.models().size()),
                    Marks.symbol(level),
                    cells.stream().mapToDouble(CellResult::kaplanFlops).toArray(),
                    Fits.losses(cells),
                    Fits.names(cells)));
        }
        return new Block.Figure(
                "Validation loss against compute",
                new Chart(
                        Chart.Axis.log("compute 6·N·D, FLOPs", Chart.Ticks.POWERS),
                        Chart.Axis.log("validation loss, nats per token", Chart.Ticks.PLAIN),
                        series,
                        380),
                String.join(" ", caption),
                Block.Width.HALF);
    }

    private static Block.Figure sizes(Fits fits, Frontier frontier, double measured) {
        List<Chart.Series> series = new ArrayList<>();
        if (!Double.isNaN(frontier.n()[1][0])) {
            series.add(new Chart.Band("", Palette.BLUE, 0.2, frontier.compute(), frontier.n()[1], frontier.n()[2]));
            series.add(new Chart.Band("", Palette.GREEN, 0.2, frontier.compute(), frontier.d()[1], frontier.d()[2]));
        }
        series.add(
                new Chart.Line("parameters N", Palette.BLUE, Chart.Stroke.SOLID, frontier.compute(), frontier.n()[0]));
        series.add(new Chart.Line("tokens D", Palette.GREEN, Chart.Stroke.DASHED, frontier.compute(), frontier.d()[0]));
        series.add(new Chart.Line(
                "largest cell", Palette.GREY, Chart.Stroke.DOTTED, new double[] {measured, measured}, new double[] {
                    frontier.n()[0][0], frontier.d()[0][frontier.compute().length - 1]
                }));
        return new Block.Figure(
                "Compute-optimal model and data",
                new Chart(
                        Chart.Axis.log("compute 6·N·D, FLOPs", Chart.Ticks.POWERS),
                        Chart.Axis.log("parameters and tokens", Chart.Ticks.SHORT_SCALE),
                        series,
                        380),
                "By " + fits.joint().orElseThrow().law() + "; bands are " + fits.level()
                        + " intervals over the bootstrap refits.",
                Block.Width.HALF);
    }
}
