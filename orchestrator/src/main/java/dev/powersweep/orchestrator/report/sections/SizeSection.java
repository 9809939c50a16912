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
import java.util.function.ToDoubleFunction;
import java.util.stream.Stream;

/** The loss against the model's size and against the data, each with the laws in one variable and the joint law. */
final class SizeSection {
    /** Curves go on beyond the data by this factor. */
    private static final double BEYOND = 3;

    private SizeSection() {}

    static Optional<ReportModel.Section> of(Fits fits) {
        if (fits.cells().isEmpty()) {
            return Optional.empty();
        }
        return Optional.of(new ReportModel.Section(
                "size-and-data",
                "Loss against model size and data",
                "Of every model and data size the batch of lowest loss. Thin lines are the joint law L(N, D); the"
                        + " black line is the law in one variable, fitted where the other variable binds least.",
                List.of(
                        figure(
                                fits,
                                "Validation loss against model size N",
                                new Variable(
                                        Quantity.N,
                                        CellResult::parameters,
                                        CellResult::tokens,
                                        "non-embedding parameters N",
                                        "D",
                                        "kaplan-n"),
                                fits.models(),
                                fits.data()),
                        figure(
                                fits,
                                "Validation loss against data D",
                                new Variable(
                                        Quantity.D,
                                        CellResult::tokens,
                                        CellResult::parameters,
                                        "tokens seen D",
                                        "N",
                                        "kaplan-d"),
                                fits.data(),
                                fits.models()))));
    }

    /** The variable of a figure: what runs along the axis, what is held fixed along a line, and the law in it alone. */
    private record Variable(
            Quantity column,
            ToDoubleFunction<CellResult> along,
            ToDoubleFunction<CellResult> fixed,
            String label,
            String fixedName,
            String law) {
        Point point(double value, double other) {
            return column == Quantity.N ? Point.nd(value, other) : Point.nd(other, value);
        }
    }

    private static Block.Figure figure(Fits fits, String title, Variable variable, Levels along, Levels fixed) {
        List<Chart.Series> series = new ArrayList<>();
        List<String> caption = new ArrayList<>();
        double[] x = LawCurve.logSpaced(along.values()[0] / 1.3, along.values()[along.size() - 1] * BEYOND);
        Optional<FitResult> alone = Stream.of(variable.law(), variable.law() + "-irreducible")
                .flatMap(law -> fits.set().of(law).stream())
                .min(Comparator.comparingDouble(fit -> fit.quality().aicc()));
        Optional<FitResult> joint = fits.joint();
        double most = fixed.values()[fixed.size() - 1];
        if (alone.isPresent()) {
            LawCurve curve = LawCurve.of(alone.get(), x, value -> Point.of(variable.column(), value));
            curve.addBands(series, Palette.GREY, fits.level());
            series.add(curve.line(alone.get().law() + " fit", Palette.INK, Chart.Stroke.SOLID));
            caption.add("Black: " + alone.get().formula() + " with " + Fits.values(alone.get()) + ".");
        } else if (joint.isPresent()) {
            LawCurve.of(joint.get(), x, value -> variable.point(value, most))
                    .addBands(series, Palette.GREY, fits.level());
            caption.add("Bands: " + joint.get().law() + " at the largest " + variable.fixedName() + ".");
        }
        for (int level = 0; level < fixed.size(); level++) {
            double other = fixed.values()[level];
            int at = level;
            String name = variable.fixedName() + " = " + Numbers.count(other, variable.column() == Quantity.N ? 2 : 3);
            String colour = Palette.ordered(level, fixed.size());
            List<CellResult> cells = fits.cells().stream()
                    .filter(cell -> fixed.of(variable.fixed().applyAsDouble(cell)) == at)
                    .toList();
            joint.ifPresent(fit -> {
                double[] value = new double[x.length];
                for (int i = 0; i < x.length; i++) {
                    value[i] = fit.predictor().at(fit.values(), variable.point(x[i], other));
                }
                series.add(new Chart.Line("", colour, Chart.Stroke.THIN, x, value));
            });
            series.add(new Chart.Points(
                    name,
                    colour,
                    Marks.symbol(level),
                    cells.stream().mapToDouble(variable.along()).toArray(),
                    Fits.losses(cells),
                    Fits.names(cells)));
        }
        joint.ifPresent(fit -> caption.add("Thin lines: " + fit.formula() + " with " + Fits.values(fit) + "."));
        if (alone.isEmpty() && joint.isEmpty()) {
            caption.add("No law could be fitted; the table of fits says why.");
        }
        return new Block.Figure(
                title,
                new Chart(
                        Chart.Axis.log(variable.label(), Chart.Ticks.SHORT_SCALE),
                        Chart.Axis.log("validation loss, nats per token", Chart.Ticks.PLAIN),
                        series,
                        380),
                String.join(" ", caption),
                Block.Width.HALF);
    }
}
