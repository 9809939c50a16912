package dev.powersweep.orchestrator.report.sections;

import dev.powersweep.fitting.result.FitResult;
import dev.powersweep.fitting.result.Prediction;
import dev.powersweep.fitting.result.Residual;
import dev.powersweep.fitting.runs.Quantity;
import dev.powersweep.orchestrator.fits.FitSet;
import dev.powersweep.orchestrator.fits.LawBand;
import dev.powersweep.orchestrator.report.Block;
import dev.powersweep.orchestrator.report.Chart;
import dev.powersweep.orchestrator.report.Palette;
import dev.powersweep.orchestrator.report.ReportModel;
import dev.powersweep.orchestrator.text.Numbers;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.Optional;

/** Every fitted law along each of its variables, with both bands and the rows that it was fitted to. */
final class LawsSection {
    private static final int GROUPS = 3;
    private static final int HEIGHT = 320;

    private LawsSection() {}

    static Optional<ReportModel.Section> of(FitSet set) {
        List<Block> blocks = new ArrayList<>();
        for (FitSet.Fitted fitted : set.fitted()) {
            List<LawBand> bands = LawBand.of(fitted.result());
            WholeCurves.of(fitted.result()).ifPresent(blocks::add);
            for (LawBand band : bands) {
                Optional<Quantity> other = bands.stream()
                        .map(LawBand::along)
                        .filter(column -> column != band.along())
                        .findFirst();
                blocks.add(figure(fitted.result(), band, other));
            }
        }
        return blocks.isEmpty()
                ? Optional.empty()
                : Optional.of(new ReportModel.Section(
                        "laws",
                        "Every law with its bands",
                        "Each law along each of its variables, the others at the middle of the rows. Rows are drawn where"
                                + " they would lie at that middle: the law there, times what the law leaves over of"
                                + " them.",
                        blocks));
    }

    private static Block.Figure figure(FitResult fit, LawBand band, Optional<Quantity> other) {
        List<Chart.Series> series = new ArrayList<>();
        String level = Numbers.percent(fit.options().confidence(), 3);
        if (band.hasBands()) {
            series.add(new Chart.Band(
                    "one more run (" + level + ")",
                    Palette.SKY,
                    0.22,
                    band.x(),
                    band.column(Prediction::lowOutcome),
                    band.column(Prediction::highOutcome)));
            series.add(new Chart.Band(
                    "the law (" + level + ")",
                    Palette.BLUE,
                    0.38,
                    band.x(),
                    band.column(Prediction::low),
                    band.column(Prediction::high)));
        }
        rows(fit, band, other, series);
        series.add(
                new Chart.Line(fit.law(), Palette.INK, Chart.Stroke.SOLID, band.x(), band.column(Prediction::value)));
        return new Block.Figure(
                fit.law() + ": " + quantity(fit.response()) + " along " + symbol(band.along()),
                new Chart(
                        Chart.Axis.log(axis(band.along()), ticks(band.along())),
                        Chart.Axis.log(axis(fit.response()), ticks(fit.response())),
                        series,
                        HEIGHT),
                held(band) + fit.formula() + ".",
                Block.Width.HALF);
    }

    /** The rows, told apart by thirds of another variable. */
    private static void rows(FitResult fit, LawBand band, Optional<Quantity> other, List<Chart.Series> series) {
        List<Residual> rows = fit.residuals();
        double[] edges = other.map(column -> edges(rows, column)).orElse(new double[0]);
        for (int group = 0; group <= edges.length; group++) {
            double from = group == 0 ? 0 : edges[group - 1];
            double to = group == edges.length ? Double.POSITIVE_INFINITY : edges[group];
            List<Residual> of = rows.stream()
                    .filter(row -> other.isEmpty()
                            || (row.at().get(other.get()) >= from && row.at().get(other.get()) < to))
                    .toList();
            if (of.isEmpty()) {
                continue;
            }
            series.add(new Chart.Points(
                    other.map(column -> range(of, column)).orElse("rows"),
                    edges.length == 0 ? Palette.VERMILION : Palette.ordered(group, edges.length + 1),
                    Marks.symbol(group),
                    of.stream().mapToDouble(row -> row.at().get(band.along())).toArray(),
                    of.stream().mapToDouble(row -> adjusted(fit, band, row)).toArray(),
                    of.stream().map(Residual::run).toList()));
        }
    }

    private static double adjusted(FitResult fit, LawBand band, Residual row) {
        return fit.predictor().at(fit.values(), band.adjusted(row.at())) * row.observed() / row.predicted();
    }

    private static double[] edges(List<Residual> rows, Quantity column) {
        double[] sorted =
                rows.stream().mapToDouble(row -> row.at().get(column)).sorted().toArray();
        double[] edges = new double[GROUPS - 1];
        Arrays.setAll(edges, i -> sorted[sorted.length * (i + 1) / GROUPS]);
        return Arrays.stream(edges).filter(edge -> edge > sorted[0]).distinct().toArray();
    }

    private static String range(List<Residual> rows, Quantity column) {
        double low =
                rows.stream().mapToDouble(row -> row.at().get(column)).min().orElseThrow();
        double high =
                rows.stream().mapToDouble(row -> row.at().get(column)).max().orElseThrow();
        String from = count(column, low);
        String to = count(column, high);
        return symbol(column) + " = " + (from.equals(to) ? from : from + " – " + to);
    }

    private static String held(LawBand band) {
        List<String> parts = new ArrayList<>();
        for (Map.Entry<Quantity, Double> entry : band.middle().values().entrySet()) {
            boolean told = entry.getKey() == Quantity.N || entry.getKey() == Quantity.D || entry.getKey() == Quantity.B;
            if (told && entry.getKey() != band.along() && band.along() != Quantity.C) {
                parts.add(symbol(entry.getKey()) + " = " + count(entry.getKey(), entry.getValue()));
            }
        }
        return parts.isEmpty() ? "" : "At " + String.join(", ", parts) + ". ";
    }

    /** Batches are few and known by name. */
    private static String count(Quantity column, double value) {
        return Numbers.count(value, column == Quantity.B ? 4 : 2);
    }

    private static String symbol(Quantity column) {
        return switch (column) {
            case LEARNING_RATE -> "learning rate";
            case LOSS -> "loss";
            default -> column.label().toUpperCase(Locale.ROOT);
        };
    }

    private static String quantity(Quantity column) {
        return switch (column) {
            case LOSS -> "loss";
            case N -> "compute-optimal size";
            case B -> "batch size";
            case LEARNING_RATE -> "best learning rate";
            default -> column.unit();
        };
    }

    private static String axis(Quantity column) {
        return switch (column) {
            case LOSS -> "loss, nats per token";
            case N -> "parameters N";
            case D -> "tokens D";
            case B -> "batch B, tokens";
            case S -> "steps S";
            case C -> "compute C, FLOPs";
            case U -> "unique tokens U";
            case LEARNING_RATE -> "learning rate";
            case BRANCH -> "tokens at the branch";
            case STEP, WEIGHT, LOSS_ERROR -> column.unit();
        };
    }

    private static Chart.Ticks ticks(Quantity column) {
        return switch (column) {
            case LOSS, LEARNING_RATE, WEIGHT, LOSS_ERROR -> Chart.Ticks.PLAIN;
            case C -> Chart.Ticks.POWERS;
            case N, D, B, S, U, STEP, BRANCH -> Chart.Ticks.SHORT_SCALE;
        };
    }
}
