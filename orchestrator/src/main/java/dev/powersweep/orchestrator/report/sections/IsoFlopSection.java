package dev.powersweep.orchestrator.report.sections;

import dev.powersweep.fitting.isoflop.IsoFlopCurve;
import dev.powersweep.fitting.isoflop.IsoFlopMinimum;
import dev.powersweep.fitting.isoflop.MinimumMethod;
import dev.powersweep.fitting.result.Estimate;
import dev.powersweep.fitting.result.FitResult;
import dev.powersweep.fitting.runs.Point;
import dev.powersweep.fitting.runs.Quantity;
import dev.powersweep.orchestrator.fits.ComputeOptimum;
import dev.powersweep.orchestrator.report.Block;
import dev.powersweep.orchestrator.report.Chart;
import dev.powersweep.orchestrator.report.Palette;
import dev.powersweep.orchestrator.report.ReportModel;
import dev.powersweep.orchestrator.results.CellResult;
import dev.powersweep.orchestrator.text.Numbers;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Optional;

/** IsoFLOP profiles: loss against model size at equal compute, their minima, and the sizes that follow from them. */
final class IsoFlopSection {
    private static final int FEWEST_SIZES = 3;
    private static final double BEYOND = 10;

    private IsoFlopSection() {}

    static Optional<ReportModel.Section> of(Fits fits) {
        List<IsoFlopCurve> curves = IsoFlopCurve.group(
                        fits.cells().stream()
                                .mapToDouble(CellResult::kaplanFlops)
                                .toArray(),
                        fits.cells().stream()
                                .mapToDouble(CellResult::parameters)
                                .toArray(),
                        fits.cells().stream()
                                .mapToDouble(CellResult::tokensDone)
                                .toArray(),
                        Fits.losses(fits.cells()),
                        IsoFlopCurve.DEFAULT_TOLERANCE)
                .stream()
                .filter(curve -> curve.sizes() >= FEWEST_SIZES)
                .toList();
        if (curves.size() < 2) {
            return Optional.empty();
        }
        List<Block> blocks = new ArrayList<>();
        blocks.add(profiles(fits, curves));
        optima(fits, curves).ifPresent(blocks::add);
        return Optional.of(new ReportModel.Section(
                "isoflop",
                "Model size at equal compute",
                "Cells that cost the same, by their model size: too small a model cannot learn more, too large a one has"
                        + " seen too little.",
                blocks));
    }

    private static Block.Figure profiles(Fits fits, List<IsoFlopCurve> curves) {
        List<Chart.Series> series = new ArrayList<>();
        List<Double> bestN = new ArrayList<>();
        List<Double> bestLoss = new ArrayList<>();
        for (int i = 0; i < curves.size(); i++) {
            IsoFlopCurve curve = curves.get(i);
            String colour = Palette.ordered(i, curves.size());
            double[] x = LawCurve.logSpaced(curve.n()[0] / 1.3, curve.n()[curve.sizes() - 1] * 1.3);
            fits.joint().ifPresent(fit -> {
                double[] value = new double[x.length];
                for (int k = 0; k < x.length; k++) {
                    value[k] = fit.predictor().at(fit.values(), Point.nd(x[k], curve.flops() / (6 * x[k])));
                }
                series.add(new Chart.Line("", colour, Chart.Stroke.THIN, x, value));
            });
            series.add(new Chart.Points(
                    "C = " + Numbers.power(curve.flops(), 2),
                    colour,
                    Marks.symbol(i),
                    curve.n(),
                    curve.loss(),
                    List.of()));
            if (MinimumMethod.SPLINE_GRID.minimum(curve) instanceof IsoFlopMinimum.Found found) {
                bestN.add(found.n());
                bestLoss.add(found.loss());
            }
        }
        series.add(new Chart.Points(
                "lowest by spline",
                Palette.INK,
                Chart.Symbol.HOLLOW,
                bestN.stream().mapToDouble(Double::doubleValue).toArray(),
                bestLoss.stream().mapToDouble(Double::doubleValue).toArray(),
                List.of()));
        return new Block.Figure(
                "IsoFLOP profiles",
                new Chart(
                        Chart.Axis.log("non-embedding parameters N", Chart.Ticks.SHORT_SCALE),
                        Chart.Axis.log("validation loss, nats per token", Chart.Ticks.PLAIN),
                        series,
                        380),
                fits.joint()
                        .map(fit -> "Thin lines: " + fit.formula() + " with " + Fits.values(fit) + ".")
                        .orElse("No joint law could be fitted."),
                Block.Width.HALF);
    }

    /** N_opt(C) by every approach that was fitted, with its bands. */
    private static Optional<Block> optima(Fits fits, List<IsoFlopCurve> curves) {
        double low = curves.get(0).flops();
        double[] compute = LawCurve.logSpaced(low, curves.get(curves.size() - 1).flops() * BEYOND);
        List<Chart.Series> series = new ArrayList<>();
        List<String> caption = new ArrayList<>();
        List<FitResult> laws = java.util.stream.Stream.of("isoflop", "isoflop-parabola", "envelope")
                .flatMap(law -> fits.set().of(law).stream())
                .toList();
        if (laws.isEmpty()) {
            return Optional.empty();
        }
        List<String> colours = List.of(Palette.BLUE, Palette.GREEN, Palette.VERMILION);
        List<Chart.Stroke> strokes = List.of(Chart.Stroke.SOLID, Chart.Stroke.DASHED, Chart.Stroke.DOTTED);
        for (int i = 0; i < laws.size(); i++) {
            LawCurve curve = LawCurve.of(laws.get(i), compute, c -> Point.of(Quantity.C, c));
            if (i == 0) {
                curve.addBands(series, colours.get(i), fits.level());
            }
            series.add(curve.line(laws.get(i).law(), colours.get(i), strokes.get(i)));
            caption.add(exponent(laws.get(i), laws.get(i).parameters().get("a")));
        }
        fits.joint().filter(fit -> fit.derived().containsKey("a")).ifPresent(fit -> {
            series.add(new Chart.Line(
                    fit.law(),
                    Palette.INK,
                    Chart.Stroke.THIN,
                    compute,
                    Arrays.stream(compute)
                            .map(c -> ComputeOptimum.size(fit.predictor(), fit.values(), c))
                            .toArray()));
            caption.add(exponent(fit, fit.derived().get("a")));
        });
        List<IsoFlopMinimum.Found> found = curves.stream()
                .map(MinimumMethod.SPLINE_GRID::minimum)
                .filter(IsoFlopMinimum.Found.class::isInstance)
                .map(IsoFlopMinimum.Found.class::cast)
                .toList();
        series.add(new Chart.Points(
                "lowest by spline",
                Palette.INK,
                Chart.Symbol.HOLLOW,
                found.stream().mapToDouble(IsoFlopMinimum.Found::flops).toArray(),
                found.stream().mapToDouble(IsoFlopMinimum.Found::n).toArray(),
                List.of()));
        curves.stream()
                .map(MinimumMethod.SPLINE_GRID::minimum)
                .filter(IsoFlopMinimum.Rejected.class::isInstance)
                .map(IsoFlopMinimum.Rejected.class::cast)
                .forEach(rejected -> caption.add("Left out: " + rejected.detail()));
        return Optional.of(new Block.Figure(
                "Compute-optimal size by IsoFLOP minima",
                new Chart(
                        Chart.Axis.log("compute 6·N·D, FLOPs", Chart.Ticks.POWERS),
                        Chart.Axis.log("parameters N", Chart.Ticks.SHORT_SCALE),
                        series,
                        380),
                String.join(" ", caption),
                Block.Width.HALF));
    }

    private static String exponent(FitResult fit, Estimate a) {
        return fit.law() + ": N_opt ∝ C^" + Numbers.fixed(a.value(), 2)
                + (a.hasInterval()
                        ? " (" + Numbers.fixed(a.low(), 2) + " … " + Numbers.fixed(a.high(), 2) + ")."
                        : ".");
    }
}
