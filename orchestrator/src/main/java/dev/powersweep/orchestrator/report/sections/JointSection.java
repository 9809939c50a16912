package dev.powersweep.orchestrator.report.sections;

import dev.powersweep.fitting.result.FitResult;
import dev.powersweep.fitting.result.Residual;
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
import java.util.DoubleSummaryStatistics;
import java.util.List;
import java.util.Optional;

/** The joint law in N and D: where it agrees with the cells, where not, and its lines of equal loss. */
final class JointSection {
    private static final int LINES = 8;
    private static final double BEYOND = 4;

    private JointSection() {}

    static Optional<ReportModel.Section> of(Fits fits) {
        return fits.joint().map(fit -> {
            List<Block> blocks = new ArrayList<>();
            blocks.add(agreement(fit, fits));
            blocks.add(residuals(fit, fits));
            blocks.add(isoLoss(fit, fits));
            return new ReportModel.Section(
                    "joint",
                    "Model size and data together",
                    "The law " + fit.formula() + " (" + fit.law() + ") with " + Fits.values(fit) + ".",
                    blocks);
        });
    }

    private static Block.Figure agreement(FitResult fit, Fits fits) {
        List<Chart.Series> series = new ArrayList<>();
        DoubleSummaryStatistics range =
                fit.residuals().stream().mapToDouble(Residual::observed).summaryStatistics();
        double[] ends = {range.getMin() / 1.01, range.getMax() * 1.01};
        series.add(new Chart.Line("measured = fitted", Palette.GREY, Chart.Stroke.DASHED, ends, ends));
        for (int level = 0; level < fits.models().size(); level++) {
            List<Residual> of = residuals(fit, fits, level);
            series.add(new Chart.Points(
                    "N = " + Numbers.count(fits.models().values()[level]),
                    Palette.ordered(level, fits.models().size()),
                    Marks.symbol(level),
                    of.stream().mapToDouble(Residual::predicted).toArray(),
                    of.stream().mapToDouble(Residual::observed).toArray(),
                    of.stream().map(Residual::run).toList()));
        }
        return new Block.Figure(
                "Measured against fitted",
                new Chart(
                        Chart.Axis.log("fitted loss, nats per token", Chart.Ticks.PLAIN),
                        Chart.Axis.log("measured loss, nats per token", Chart.Ticks.PLAIN),
                        series,
                        340),
                "R² = " + Numbers.fixed(fit.quality().rSquared(), 4) + " over " + fit.rows() + " cells; noise about "
                        + Numbers.percent(fit.quality().noise(), 2) + " of the loss.",
                Block.Width.HALF);
    }

    private static Block.Figure residuals(FitResult fit, Fits fits) {
        List<Chart.Series> series = new ArrayList<>();
        double[] compute = fit.residuals().stream()
                .mapToDouble(r -> r.at().get(Quantity.C))
                .toArray();
        double[] ends = {
            Arrays.stream(compute).min().orElse(1) / 1.2,
            Arrays.stream(compute).max().orElse(1) * 1.2
        };
        double noise = fit.quality().noise();
        series.add(new Chart.Band(
                "± noise of the fit", Palette.GREY, 0.18, ends, new double[] {-noise, -noise}, new double[] {
                    noise, noise
                }));
        series.add(new Chart.Line("", Palette.GREY, Chart.Stroke.DASHED, ends, new double[] {0, 0}));
        for (int level = 0; level < fits.models().size(); level++) {
            List<Residual> of = residuals(fit, fits, level);
            series.add(new Chart.Points(
                    "N = " + Numbers.count(fits.models().values()[level]),
                    Palette.ordered(level, fits.models().size()),
                    Marks.symbol(level),
                    of.stream().mapToDouble(r -> r.at().get(Quantity.C)).toArray(),
                    of.stream()
                            .mapToDouble(r -> r.observed() / r.predicted() - 1)
                            .toArray(),
                    of.stream().map(Residual::run).toList()));
        }
        String holdOut = fit.holdOut()
                .map(held -> " Fitted without the largest scale (" + held.scale() + ", " + held.heldOut()
                        + " cells), the law predicts it within " + Numbers.percent(held.rmsLog(), 2) + ".")
                .orElse("");
        return new Block.Figure(
                "What the law leaves over",
                new Chart(
                        Chart.Axis.log("compute 6·N·D, FLOPs", Chart.Ticks.POWERS),
                        new Chart.Axis("measured above fitted loss", Chart.Scale.LINEAR, Chart.Ticks.PERCENT),
                        series,
                        340),
                "A pattern along one size or along compute would mean that the law does not hold there." + holdOut,
                Block.Width.HALF);
    }

    private static Block.Figure isoLoss(FitResult fit, Fits fits) {
        double lowN = fits.models().values()[0] / BEYOND;
        double highN = fits.models().values()[fits.models().size() - 1] * BEYOND;
        double lowD = fits.data().values()[0] / BEYOND;
        double highD = fits.data().values()[fits.data().size() - 1] * BEYOND;
        double worst = Math.min(loss(fit, lowN * 1.5, lowD * 1.5), 1.2 * highest(fits));
        double best = loss(fit, highN / 1.2, highD / 1.2);
        List<Chart.Series> series = new ArrayList<>();
        for (int i = 0; i < LINES; i++) {
            double level = Math.exp(Math.log(worst) + (Math.log(best / worst) * (i + 0.5)) / LINES);
            double rounded = Math.round(level * 20) / 20.0;
            level = Math.abs(Math.log(rounded / level)) < 0.05 ? rounded : level;
            series.add(contour(fit, level, lowN, highN, lowD, highD, Palette.ordered(LINES - 1 - i, LINES)));
        }
        double lowC = 6 * lowN * lowD;
        double highC = 6 * highN * highD;
        double[] compute = LawCurve.logSpaced(lowC, highC);
        double[] n = new double[compute.length];
        double[] d = new double[compute.length];
        for (int i = 0; i < compute.length; i++) {
            double best0 = ComputeOptimum.size(fit.predictor(), fit.values(), compute[i]);
            boolean inside = best0 >= lowN && best0 <= highN && within(compute[i] / (6 * best0), lowD, highD);
            n[i] = inside ? best0 : Double.NaN;
            d[i] = inside ? compute[i] / (6 * best0) : Double.NaN;
        }
        series.add(new Chart.Line("compute-optimal N and D", Palette.VERMILION, Chart.Stroke.DASHED, n, d));
        series.add(new Chart.Points(
                "cells",
                Palette.INK,
                Chart.Symbol.CIRCLE,
                fits.cells().stream().mapToDouble(CellResult::parameters).toArray(),
                fits.cells().stream().mapToDouble(CellResult::tokens).toArray(),
                Fits.names(fits.cells())));
        return new Block.Figure(
                "Lines of equal loss",
                new Chart(
                        Chart.Axis.log("non-embedding parameters N", Chart.Ticks.SHORT_SCALE),
                        Chart.Axis.log("tokens D", Chart.Ticks.SHORT_SCALE),
                        series,
                        420),
                "Each solid line joins models and data that reach one loss by the law; the dashed line is the cheapest"
                        + " way to each loss. Beyond the cells the lines are extrapolated.",
                Block.Width.FULL);
    }

    private static Chart.Line contour(
            FitResult fit, double level, double lowN, double highN, double lowD, double highD, String colour) {
        double[] n = LawCurve.logSpaced(lowN, highN);
        double[] d = new double[n.length];
        for (int i = 0; i < n.length; i++) {
            d[i] = loss(fit, n[i], lowD) < level || loss(fit, n[i], highD) > level
                    ? Double.NaN
                    : dataTo(fit, n[i], level, lowD, highD);
        }
        return new Chart.Line("L = " + Numbers.fixed(level, 2), colour, Chart.Stroke.SOLID, n, d);
    }

    /** The data at which the falling loss crosses the level, by bisection of ln D. */
    private static double dataTo(FitResult fit, double n, double level, double low, double high) {
        double a = Math.log(low);
        double b = Math.log(high);
        for (int i = 0; i < 50; i++) {
            double middle = (a + b) / 2;
            if (loss(fit, n, Math.exp(middle)) > level) {
                a = middle;
            } else {
                b = middle;
            }
        }
        return Math.exp((a + b) / 2);
    }

    private static double loss(FitResult fit, double n, double d) {
        return fit.predictor().at(fit.values(), Point.nd(n, d));
    }

    private static double highest(Fits fits) {
        return Arrays.stream(Fits.losses(fits.cells())).max().orElseThrow();
    }

    private static boolean within(double value, double low, double high) {
        return value >= low && value <= high;
    }

    private static List<Residual> residuals(FitResult fit, Fits fits, int model) {
        return fit.residuals().stream()
                .filter(r -> fits.models().of(r.at().get(Quantity.N)) == model)
                .toList();
    }
}
