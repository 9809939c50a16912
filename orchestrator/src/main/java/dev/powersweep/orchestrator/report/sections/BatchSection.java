package dev.powersweep.orchestrator.report.sections;

import dev.powersweep.fitting.batch.DataToLoss;
import dev.powersweep.fitting.batch.GradientNoise;
import dev.powersweep.fitting.result.Residual;
import dev.powersweep.fitting.runs.Quantity;
import dev.powersweep.orchestrator.report.Block;
import dev.powersweep.orchestrator.report.Chart;
import dev.powersweep.orchestrator.report.Palette;
import dev.powersweep.orchestrator.report.ReportModel;
import dev.powersweep.orchestrator.results.CellResult;
import dev.powersweep.orchestrator.results.GradientNorms;
import dev.powersweep.orchestrator.text.Numbers;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.Comparator;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.OptionalDouble;
import java.util.TreeMap;
import java.util.function.BinaryOperator;
import java.util.function.Function;
import java.util.stream.Collectors;

/** The batch axis: what a larger batch costs in data and saves in steps, and the gradient noise scale along training. */
final class BatchSection {
    /** Levels of loss that are drawn, per model. */
    private static final int LEVELS = 3;
    /** Stretches of a run over which gradient norms are averaged before dividing. */
    private static final int STRETCHES = 12;

    /** A range of losses that all batches reach, too narrow for several levels. */
    private static final double NARROW = 1.05;

    private BatchSection() {}

    static Optional<ReportModel.Section> of(Fits fits) {
        List<CellResult> cells = fits.results().usable().stream()
                .filter(CellResult::constantBatch)
                .toList();
        Levels batches = Levels.of(cells, CellResult::batchTokens);
        List<Block> blocks = new ArrayList<>();
        if (batches.size() > 1) {
            lossAgainstBatch(fits, cells).ifPresent(blocks::add);
            tradeOff(cells).ifPresent(blocks::add);
        }
        criticalBatch(fits).ifPresent(blocks::add);
        blocks.addAll(BranchBlocks.of(fits));
        noiseScale(fits).ifPresent(blocks::add);
        blocks.addAll(NoiseTable.of(fits));
        return blocks.isEmpty()
                ? Optional.empty()
                : Optional.of(new ReportModel.Section(
                        "batch",
                        "The batch",
                        "Below the critical batch size a larger batch saves steps at little cost in data; above it the"
                                + " data are wasted (Kaplan et al. 2020, McCandlish et al. 2018).",
                        blocks));
    }

    /** Each size at the data size that has most batches, the largest such; empty where none has two. */
    private static Optional<Block> lossAgainstBatch(Fits fits, List<CellResult> cells) {
        List<Chart.Series> series = new ArrayList<>();
        Levels models = Levels.of(cells, CellResult::parameters);
        for (int level = 0; level < models.size(); level++) {
            int at = level;
            Map<Double, List<CellResult>> batches = cells.stream()
                    .filter(cell -> models.of(cell.parameters()) == at)
                    .collect(Collectors.groupingBy(
                            cell -> fits.data().of(cell.tokens()),
                            TreeMap::new,
                            Collectors.groupingBy(CellResult::batchTokens, TreeMap::new, Collectors.toList())))
                    .values()
                    .stream()
                    .reduce((one, larger) -> larger.size() >= one.size() ? larger : one)
                    .map(found -> (Map<Double, List<CellResult>>) found)
                    .orElse(Map.of());
            if (batches.size() < 2) {
                continue;
            }
            double[] x = batches.keySet().stream().mapToDouble(batch -> batch).toArray();
            double[] y = batches.values().stream()
                    .mapToDouble(BatchSection::lossAtBestRate)
                    .toArray();
            double data = batches.values().iterator().next().get(0).tokens();
            String colour = Palette.ordered(level, models.size());
            series.add(new Chart.Line("", colour, Chart.Stroke.THIN, x, y));
            series.add(new Chart.Points(
                    "N = " + Numbers.count(models.values()[level]) + ", D = " + Numbers.count(data, 2),
                    colour,
                    Marks.symbol(level),
                    x,
                    y,
                    List.of()));
        }
        if (series.isEmpty()) {
            return Optional.empty();
        }
        return Optional.of(new Block.Figure(
                "Validation loss against the batch",
                new Chart(
                        Chart.Axis.log("batch B, tokens", Chart.Ticks.SHORT_SCALE),
                        Chart.Axis.log("validation loss, nats per token", Chart.Ticks.PLAIN),
                        series,
                        340),
                "Each size at the data size with most batches, at the best learning rate tried and in the mean over seeds: the same"
                        + " data cut into larger batches give fewer steps. " + best(fits, cells),
                Block.Width.HALF));
    }

    private static double lossAtBestRate(List<CellResult> cells) {
        return cells.stream()
                .collect(Collectors.groupingBy(
                        CellResult::learningRate,
                        Collectors.averagingDouble(cell -> cell.validationLoss().getAsDouble())))
                .values()
                .stream()
                .mapToDouble(loss -> loss)
                .min()
                .orElseThrow();
    }

    /** Where the best batch lies among those that were tried with one N and D. */
    private static String best(Fits fits, List<CellResult> cells) {
        Levels models = Levels.of(cells, CellResult::parameters);
        int smallest = 0;
        int largest = 0;
        int between = 0;
        for (List<CellResult> size : cells.stream()
                .collect(Collectors.groupingBy(cell ->
                        List.of(models.of(cell.parameters()), fits.data().of(cell.tokens()))))
                .values()) {
            Levels batches = Levels.of(size, CellResult::batchTokens);
            if (batches.size() < 2) {
                continue;
            }
            CellResult best = size.stream()
                    .min(Comparator.comparingDouble(
                            cell -> cell.validationLoss().getAsDouble()))
                    .orElseThrow();
            int level = batches.of(best.batchTokens());
            smallest += level == 0 ? 1 : 0;
            largest += level == batches.size() - 1 ? 1 : 0;
            between += level > 0 && level < batches.size() - 1 ? 1 : 0;
        }
        int edges = smallest + largest;
        if (edges + between == 0) {
            return "";
        }
        return "Of " + (edges + between) + " pairs of N and D with several batches the smallest did best at " + smallest
                + " and the largest at " + largest
                + (edges == 0 ? "." : ": there a better one may lie beyond those tried.");
    }

    /** Steps against data to equal loss, by interpolation between finished cells; the curves are Kaplan's hyperbola. */
    private static Optional<Block> tradeOff(List<CellResult> cells) {
        double largest =
                cells.stream().mapToDouble(CellResult::parameters).max().orElseThrow();
        Map<Double, DataToLoss> byBatch = cells.stream()
                .filter(cell -> cell.parameters() == largest)
                .collect(Collectors.groupingBy(CellResult::batchTokens))
                .entrySet()
                .stream()
                .collect(Collectors.toMap(Map.Entry::getKey, entry -> data(entry.getValue())));
        double low =
                byBatch.values().stream().mapToDouble(DataToLoss::lowest).max().orElse(Double.NaN);
        double high =
                byBatch.values().stream().mapToDouble(DataToLoss::highest).min().orElse(Double.NaN);
        if (!(high > low)) {
            return Optional.empty();
        }
        List<Chart.Series> series = new ArrayList<>();
        int levels = high / low < NARROW ? 1 : LEVELS;
        for (int i = 0; i < levels; i++) {
            double level = low * Math.pow(high / low, (i + 0.5) / levels);
            List<double[]> points = new ArrayList<>();
            byBatch.entrySet().stream().sorted(Map.Entry.comparingByKey()).forEach(entry -> {
                OptionalDouble tokens = entry.getValue().tokens(level);
                tokens.ifPresent(d -> points.add(new double[] {d / entry.getKey(), d, entry.getKey()}));
            });
            String colour = Palette.ordered(i, levels);
            double[] x = points.stream().mapToDouble(point -> point[0]).toArray();
            double[] y = points.stream().mapToDouble(point -> point[1]).toArray();
            series.add(new Chart.Line("", colour, Chart.Stroke.THIN, x, y));
            series.add(new Chart.Points(
                    "L = " + Numbers.fixed(level, 2),
                    colour,
                    Marks.symbol(i),
                    x,
                    y,
                    points.stream()
                            .map(point -> "B = " + Numbers.count(point[2]))
                            .toList()));
        }
        return Optional.of(new Block.Figure(
                "Steps against data to the same loss",
                new Chart(
                        Chart.Axis.log("steps S", Chart.Ticks.SHORT_SCALE),
                        Chart.Axis.log("tokens B·S", Chart.Ticks.SHORT_SCALE),
                        series,
                        340),
                "The largest model, " + Numbers.count(largest) + " parameters, between finished cells; each point is a"
                        + " batch size, larger ones to the left.",
                Block.Width.HALF));
    }

    private static DataToLoss data(List<CellResult> cells) {
        return new DataToLoss(cells.stream().mapToDouble(CellResult::tokens).toArray(), Fits.losses(cells));
    }

    private static Optional<Block> criticalBatch(Fits fits) {
        return fits.set().of("critical-batch").map(fit -> {
            double[] loss = fit.residuals().stream()
                    .mapToDouble(r -> r.at().get(Quantity.LOSS))
                    .toArray();
            Levels models = new Levels(fit.residuals().stream()
                    .mapToDouble(r -> r.at().get(Quantity.N))
                    .distinct()
                    .sorted()
                    .toArray());
            List<Chart.Series> series = new ArrayList<>();
            for (int level = 0; level < models.size(); level++) {
                int at = level;
                List<Residual> of = fit.residuals().stream()
                        .filter(r -> models.of(r.at().get(Quantity.N)) == at)
                        .toList();
                series.add(new Chart.Points(
                        "N = " + Numbers.count(models.values()[level]),
                        Palette.ordered(level, models.size()),
                        Marks.symbol(level),
                        of.stream().mapToDouble(r -> r.at().get(Quantity.LOSS)).toArray(),
                        of.stream().mapToDouble(Residual::observed).toArray(),
                        of.stream().map(Residual::run).toList()));
            }
            if (fit.derived().containsKey("B_star") && fit.derived().containsKey("alpha_B")) {
                double[] x = LawCurve.logSpaced(
                        Arrays.stream(loss).min().orElseThrow() / 1.05,
                        Arrays.stream(loss).max().orElseThrow() * 1.05);
                double star = fit.value("B_star");
                double exponent = 1 / fit.value("alpha_B");
                series.add(new Chart.Line(
                        "B_star / L^(1/alpha_B)",
                        Palette.INK,
                        Chart.Stroke.SOLID,
                        x,
                        Arrays.stream(x)
                                .map(level -> star / Math.pow(level, exponent))
                                .toArray()));
            }
            String range = "Measured at losses from "
                    + Numbers.fixed(Arrays.stream(loss).min().orElse(Double.NaN), 2) + " to "
                    + Numbers.fixed(Arrays.stream(loss).max().orElse(Double.NaN), 2) + ". ";
            return new Block.Figure(
                    "Critical batch size",
                    new Chart(
                            Chart.Axis.log("loss that is to be reached, nats per token", Chart.Ticks.PLAIN),
                            Chart.Axis.log("critical batch size, tokens", Chart.Ticks.SHORT_SCALE),
                            series,
                            340),
                    range + fit.formula() + " with " + Fits.values(fit) + ".",
                    Block.Width.HALF);
        });
    }

    private static Optional<Block> noiseScale(Fits fits) {
        Map<String, CellResult> cells =
                fits.results().cells().stream().collect(Collectors.toMap(CellResult::id, Function.identity()));
        Levels models = Levels.of(fits.results().cells(), CellResult::parameters);
        List<Chart.Series> series = new ArrayList<>();
        List<GradientNorms> bySize = fits.results().noise().stream()
                .filter(norms -> cells.containsKey(norms.cell()) && norms.bigTokens() > norms.smallTokens())
                .sorted((a, b) -> Double.compare(
                        cells.get(a.cell()).parameters(), cells.get(b.cell()).parameters()))
                .toList();
        for (GradientNorms norms : longest(bySize, cells, models)) {
            double n = cells.get(norms.cell()).parameters();
            List<double[]> points = noise(norms);
            if (!points.isEmpty()) {
                series.add(new Chart.Line(
                        "N = " + Numbers.count(models.values()[models.of(n)]),
                        models.colour(n),
                        Chart.Stroke.THIN,
                        points.stream().mapToDouble(point -> point[0]).toArray(),
                        points.stream().mapToDouble(point -> point[1]).toArray()));
            }
        }
        return series.isEmpty()
                ? Optional.empty()
                : Optional.of(new Block.Figure(
                        "Gradient noise scale while training",
                        new Chart(
                                Chart.Axis.log("tokens seen", Chart.Ticks.SHORT_SCALE),
                                Chart.Axis.log("noise scale tr Σ/|G|², tokens", Chart.Ticks.SHORT_SCALE),
                                series,
                                340),
                        "Of each model its longest run at the largest batch. From the gradient norms of micro-batches"
                                + " and whole batches, both averaged over stretches of a run"
                                + " before dividing; stretches without a positive |G|² are left out. It is a rough"
                                + " guide to the critical batch size (McCandlish et al. 2018) and no measurement of it.",
                        Block.Width.HALF));
    }

    /** Of every model the run that saw most tokens, at its largest batch: the others would lie on top of it. */
    static List<GradientNorms> longest(List<GradientNorms> all, Map<String, CellResult> cells, Levels models) {
        Map<Integer, GradientNorms> byModel = all.stream()
                .collect(Collectors.toMap(
                        norms -> models.of(cells.get(norms.cell()).parameters()),
                        Function.identity(),
                        BinaryOperator.maxBy(Comparator.<GradientNorms>comparingDouble(norms -> Math.rint(
                                        20 * Math.log(cells.get(norms.cell()).tokensDone())))
                                .thenComparingDouble(GradientNorms::bigTokens)),
                        TreeMap::new));
        return List.copyOf(byModel.values());
    }

    /** Tokens seen and the noise scale there, stretch by stretch. */
    static List<double[]> noise(GradientNorms norms) {
        int steps = norms.step().length;
        List<double[]> points = new ArrayList<>();
        double first = Math.log(norms.step()[0]);
        double width = (Math.log(norms.step()[steps - 1]) - first) / STRETCHES;
        int from = 0;
        for (int k = 1; k <= STRETCHES && from < steps; k++) {
            int to = from;
            while (to < steps && (k == STRETCHES || Math.log(norms.step()[to]) <= first + k * width)) {
                to++;
            }
            if (to - from >= 4) {
                double[] small = new double[to - from];
                double[] big = new double[to - from];
                Arrays.fill(small, norms.smallTokens());
                Arrays.fill(big, norms.bigTokens());
                double middle = Math.sqrt(norms.step()[from] * norms.step()[to - 1]) * norms.bigTokens();
                GradientNoise.average(
                                Arrays.copyOfRange(norms.small(), from, to),
                                Arrays.copyOfRange(norms.big(), from, to),
                                small,
                                big)
                        .map(GradientNoise::noiseScale)
                        .filter(OptionalDouble::isPresent)
                        .ifPresent(scale -> points.add(new double[] {middle, scale.getAsDouble()}));
            }
            from = to;
        }
        return points;
    }
}
