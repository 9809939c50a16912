package dev.powersweep.orchestrator.report.sections;

import dev.powersweep.fitting.result.FitResult;
import dev.powersweep.fitting.result.Residual;
import dev.powersweep.fitting.runs.Quantity;
import dev.powersweep.orchestrator.report.Block;
import dev.powersweep.orchestrator.report.Chart;
import dev.powersweep.orchestrator.report.Palette;
import java.util.ArrayList;
import java.util.Comparator;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.stream.Collectors;

/** A law of whole training curves beside the curves that it was fitted to. */
final class WholeCurves {
    private static final int RUNS = 8;
    private static final int HEIGHT = 380;

    private WholeCurves() {}

    /** Empty where the rows of the fit do not lie along runs with rates. */
    static Optional<Block> of(FitResult fit) {
        List<Residual> rows = fit.residuals().stream()
                .filter(row -> row.at().has(Quantity.STEP) && row.at().has(Quantity.LEARNING_RATE))
                .toList();
        if (rows.isEmpty() || rows.size() < fit.residuals().size() || fit.response() != Quantity.LOSS) {
            return Optional.empty();
        }
        Map<String, List<Residual>> runs = rows.stream()
                .sorted(Comparator.comparingDouble(row -> row.at().get(Quantity.STEP)))
                .collect(Collectors.groupingBy(Residual::run, LinkedHashMap::new, Collectors.toList()));
        List<Chart.Series> series = new ArrayList<>();
        int drawn = Math.min(RUNS, runs.size());
        int number = 0;
        for (Map.Entry<String, List<Residual>> run : runs.entrySet()) {
            if (number == drawn) {
                break;
            }
            String colour = Palette.ordered(number, drawn);
            double[] step = run.getValue().stream()
                    .mapToDouble(row -> row.at().get(Quantity.STEP))
                    .toArray();
            series.add(new Chart.Points(
                    run.getKey(),
                    colour,
                    Marks.symbol(number),
                    step,
                    run.getValue().stream().mapToDouble(Residual::observed).toArray(),
                    run.getValue().stream().map(Residual::run).toList()));
            series.add(new Chart.Line(
                    "",
                    colour,
                    Chart.Stroke.SOLID,
                    step,
                    run.getValue().stream().mapToDouble(Residual::predicted).toArray()));
            number++;
        }
        String left = runs.size() > drawn ? " The first " + drawn + " of " + runs.size() + " runs." : "";
        return Optional.of(new Block.Figure(
                fit.law() + ": loss along the steps",
                new Chart(
                        Chart.Axis.log("optimiser steps", Chart.Ticks.SHORT_SCALE),
                        Chart.Axis.log("loss, nats per token", Chart.Ticks.PLAIN),
                        series,
                        HEIGHT),
                "Points: measured. Lines: the law under the learning rates of each run." + left + " " + fit.formula()
                        + ".",
                Block.Width.FULL));
    }
}
