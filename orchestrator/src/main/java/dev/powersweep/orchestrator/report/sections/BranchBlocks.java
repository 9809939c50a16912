package dev.powersweep.orchestrator.report.sections;

import dev.powersweep.fitting.batch.BranchedBatch;
import dev.powersweep.orchestrator.fits.BranchedPoints;
import dev.powersweep.orchestrator.report.Block;
import dev.powersweep.orchestrator.report.Chart;
import dev.powersweep.orchestrator.report.Palette;
import dev.powersweep.orchestrator.text.Numbers;
import java.util.ArrayList;
import java.util.List;
import java.util.OptionalDouble;

/** The critical batch size as branches measured it, beside the gradient noise scale of the runs that they left. */
final class BranchBlocks {
    private static final Block.Cell NONE = new Block.Cell("–", Block.Tone.QUIET);

    private BranchBlocks() {}

    /** A plot of what branches cost and a table of a row a branching point; nothing where nothing was branched. */
    static List<Block> of(Fits fits) {
        BranchedPoints branched = BranchedPoints.of(fits.results(), fits.set().options());
        List<Block> blocks = new ArrayList<>();
        if (!branched.points().isEmpty()) {
            blocks.add(figure(branched.points()));
        }
        if (!branched.all().isEmpty()) {
            blocks.add(table(branched, fits.level()));
        }
        return blocks;
    }

    /** Loss above that of the smallest batch, a line a branching point, beside the tolerance. */
    private static Block figure(List<BranchedPoints.MeasuredPoint> points) {
        boolean oneSize = points.stream()
                        .mapToDouble(point -> point.batch().n())
                        .distinct()
                        .count()
                == 1;
        List<Chart.Series> series = new ArrayList<>();
        List<Chart.Series> diverged = new ArrayList<>();
        double top = top(points);
        for (int i = 0; i < points.size(); i++) {
            BranchedBatch batch = points.get(i).batch();
            double[] x = batch.tried().stream()
                    .mapToDouble(BranchedBatch.Excess::batch)
                    .toArray();
            double[] y = batch.tried().stream()
                    .mapToDouble(BranchedBatch.Excess::loss)
                    .toArray();
            String name = (oneSize ? "" : "N = " + Numbers.count(batch.n()) + ", ") + "after "
                    + Numbers.count(batch.at()) + " tokens";
            String colour = Palette.ordered(i, points.size());
            series.add(new Chart.Line("", colour, Chart.Stroke.THIN, x, y));
            series.add(new Chart.Points(name, colour, Marks.symbol(i), x, y, List.of()));
            List<BranchedBatch.Excess> lost = batch.tried().stream()
                    .filter(excess -> excess.diverged() > 0)
                    .toList();
            if (!lost.isEmpty()) {
                diverged.add(new Chart.Points(
                        "diverged, at any height",
                        colour,
                        Chart.Symbol.HOLLOW,
                        lost.stream().mapToDouble(BranchedBatch.Excess::batch).toArray(),
                        lost.stream().mapToDouble(excess -> top).toArray(),
                        lost.stream()
                                .map(excess -> name + ": " + excess.diverged() + " of " + batch.trunks() + " diverged")
                                .toList()));
            }
        }
        series.addAll(diverged);
        double[] ends = {
            points.stream().mapToDouble(point -> point.batch().smallest()).min().orElseThrow(),
            points.stream().mapToDouble(point -> point.batch().largest()).max().orElseThrow()
        };
        series.add(new Chart.Line("tolerance", Palette.GREY, Chart.Stroke.DASHED, ends, new double[] {
            BranchedBatch.TOLERANCE, BranchedBatch.TOLERANCE
        }));
        return new Block.Figure(
                "What branches of larger batches cost",
                new Chart(
                        Chart.Axis.log("batch B, tokens", Chart.Ticks.SHORT_SCALE),
                        Chart.Axis.linear("excess loss, nats per token"),
                        series,
                        340),
                "Loss above that of the smallest batch, of branches of equal length from one state, in the mean over seeds. Where a"
                        + " line crosses the dashed one for the last time lies the critical batch size.",
                Block.Width.HALF);
    }

    /** A little above all that has a loss: where branches that have none are drawn. */
    private static double top(List<BranchedPoints.MeasuredPoint> points) {
        double largest = points.stream()
                .flatMap(point -> point.batch().tried().stream())
                .mapToDouble(BranchedBatch.Excess::loss)
                .filter(Double::isFinite)
                .max()
                .orElse(0);
        return 1.1 * Math.max(largest, 2 * BranchedBatch.TOLERANCE);
    }

    private static Block table(BranchedPoints branched, String level) {
        List<List<Block.Cell>> rows = new ArrayList<>();
        for (BranchedPoints.MeasuredPoint point : branched.points()) {
            BranchedBatch batch = point.batch();
            rows.add(List.of(
                    new Block.Cell(Numbers.count(batch.n()), Block.Tone.STRONG),
                    Block.Cell.of(Numbers.count(batch.at())),
                    Block.Cell.of(Numbers.count(batch.smallest(), 4) + " – " + Numbers.count(batch.largest(), 4)),
                    critical(batch),
                    Block.Cell.of(noise(batch)),
                    number(point.noiseScale(), 2),
                    ratio(batch, point.noiseScale())));
        }
        return new Block.Table(
                "Critical batch size by branching, tokens: the largest batch that ends within "
                        + BranchedBatch.TOLERANCE
                        + " nats of the smallest one, from one state (Merrill et al. 2025); " + branched.ended(),
                List.of(
                        new Block.Column("model N", true),
                        new Block.Column("tokens seen", true),
                        new Block.Column("batches tried", true),
                        new Block.Column("B_crit (" + level + ")", true),
                        new Block.Column("noise from", false),
                        new Block.Column("noise scale tr Σ/|G|²", true),
                        new Block.Column("ratio", true)),
                rows);
    }

    private static Block.Cell critical(BranchedBatch batch) {
        return switch (batch.verdict()) {
            case DETERMINED ->
                Block.Cell.of(Numbers.count(batch.batch(), 2) + " (" + Numbers.count(batch.low(), 4) + " … "
                        + Numbers.count(batch.high(), 4) + ")");
            case AT_LEAST ->
                new Block.Cell("at least " + Numbers.count(batch.low(), 4) + ": a bound", Block.Tone.WARNING);
            case AT_MOST ->
                new Block.Cell("at most " + Numbers.count(batch.high(), 4) + ": a bound", Block.Tone.WARNING);
            case UNDETERMINED -> new Block.Cell("not determined", Block.Tone.QUIET);
        };
    }

    private static String noise(BranchedBatch batch) {
        return switch (batch.noise()) {
            case SEEDS -> batch.trunks() + " seeds";
            case EVALUATION -> "evaluation";
            case UNKNOWN -> "not known";
        };
    }

    private static Block.Cell number(OptionalDouble value, int digits) {
        return value.isPresent() ? Block.Cell.of(Numbers.count(value.getAsDouble(), digits)) : NONE;
    }

    private static Block.Cell ratio(BranchedBatch batch, OptionalDouble noise) {
        return batch.verdict() == BranchedBatch.Verdict.DETERMINED && noise.isPresent()
                ? Block.Cell.of(Numbers.significant(batch.batch() / noise.getAsDouble(), 2))
                : NONE;
    }
}
