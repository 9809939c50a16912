package dev.powersweep.orchestrator.report.sections;

import dev.powersweep.orchestrator.fits.Selection;
import dev.powersweep.orchestrator.report.Block;
import dev.powersweep.orchestrator.report.ReportModel;
import dev.powersweep.orchestrator.results.CellResult;
import dev.powersweep.orchestrator.results.SweepResults;
import dev.powersweep.orchestrator.text.Numbers;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.Comparator;
import java.util.DoubleSummaryStatistics;
import java.util.List;
import java.util.Set;

/** The grid by state and loss, and the cells that brought no loss with the reason. */
final class GridSection {
    private GridSection() {}

    static ReportModel.Section of(SweepResults results) {
        Levels models = Levels.of(results.cells(), CellResult::parameters);
        Levels data = Levels.ofTokens(results.cells());
        Levels batches = Levels.of(results.cells(), CellResult::batchTokens);
        DoubleSummaryStatistics losses = results.usable().stream()
                .mapToDouble(cell -> cell.validationLoss().getAsDouble())
                .summaryStatistics();
        List<Block> blocks = new ArrayList<>();
        for (int b = 0; b < batches.size(); b++) {
            int batch = b;
            List<CellResult> cells = results.cells().stream()
                    .filter(cell -> batches.of(cell.batchTokens()) == batch)
                    .toList();
            blocks.add(
                    map("Batch of " + Numbers.count(batches.values()[b], 4) + " tokens", cells, models, data, losses));
        }
        List<String> problems = results.cells().stream()
                .filter(cell -> cell.problem().isPresent() && !cell.usable())
                .map(cell -> cell.name() + ": " + cell.problem().get())
                .toList();
        if (!problems.isEmpty()) {
            blocks.add(new Block.Notes("Cells without a result", problems, Block.Tone.WARNING));
        }
        return new ReportModel.Section(
                "grid",
                "The grid",
                "Validation loss in nats per token at the end of each cell, one map per batch size, at the best"
                        + " learning rate tried; darker is lower."
                        + " Hatched tiles brought no loss.",
                blocks);
    }

    /** Of the sizes that the cells have: a batch that is tried at a few places takes no room for the others. */
    private static Block.HeatMap map(
            String title, List<CellResult> cells, Levels models, Levels data, DoubleSummaryStatistics losses) {
        int[] sizes = cells.stream()
                .mapToInt(cell -> data.of(cell.tokens()))
                .distinct()
                .sorted()
                .toArray();
        List<Integer> largestFirst = cells.stream()
                .map(cell -> models.of(cell.parameters()))
                .distinct()
                .sorted(Comparator.reverseOrder())
                .toList();
        List<List<Block.HeatTile>> rows = new ArrayList<>();
        List<String> labels = new ArrayList<>();
        for (int model : largestFirst) {
            List<Block.HeatTile> row = new ArrayList<>();
            for (int size : sizes) {
                row.add(tile(
                        cells.stream()
                                .filter(cell -> models.of(cell.parameters()) == model && data.of(cell.tokens()) == size)
                                .toList(),
                        losses));
            }
            rows.add(row);
            labels.add(Numbers.count(models.values()[model]));
        }
        return new Block.HeatMap(
                title,
                "N",
                "D",
                labels,
                distinct(Arrays.stream(sizes)
                        .mapToDouble(size -> data.values()[size])
                        .toArray()),
                rows);
    }

    /** With as many digits as tell the values from each other, two at least. */
    static List<String> distinct(double[] values) {
        for (int digits = 2; ; digits++) {
            int enough = digits;
            List<String> labels = Arrays.stream(values)
                    .mapToObj(value -> Numbers.count(value, enough))
                    .toList();
            if (digits == 6 || Set.copyOf(labels).size() == values.length) {
                return labels;
            }
        }
    }

    private static Block.HeatTile tile(List<CellResult> cells, DoubleSummaryStatistics losses) {
        if (cells.isEmpty()) {
            return Block.HeatTile.NONE;
        }
        List<CellResult> usable = cells.stream().filter(CellResult::usable).toList();
        if (usable.isEmpty()) {
            CellResult worst = cells.stream()
                    .max(Comparator.comparing(cell -> tone(cell).ordinal()))
                    .orElseThrow();
            String state = worst.state().name().toLowerCase(java.util.Locale.ROOT);
            return new Block.HeatTile(
                    state,
                    Double.NaN,
                    tone(worst),
                    worst.name() + worst.problem().map(p -> ": " + p).orElse(""));
        }
        List<CellResult> best = Selection.BEST_RATE.of(usable);
        double mean = best.stream()
                .mapToDouble(cell -> cell.validationLoss().getAsDouble())
                .average()
                .orElseThrow();
        double span = losses.getMax() - losses.getMin();
        double shade = span > 0 ? 0.95 * (mean - losses.getMin()) / span : 0.3;
        String several = (best.size() > 1 ? " (mean of " + best.size() + ")" : "")
                + (best.size() < usable.size() ? ", the best of " + usable.size() + " cells" : "");
        return new Block.HeatTile(
                Numbers.fixed(mean, 3),
                shade,
                Block.Tone.GOOD,
                String.join(", ", best.stream().map(CellResult::name).toList()) + several);
    }

    private static Block.Tone tone(CellResult cell) {
        return switch (cell.state()) {
            case FAILED -> Block.Tone.BAD;
            case DIVERGED -> Block.Tone.WARNING;
            case PLANNED, RUNNING, INTERRUPTED, FINISHED -> Block.Tone.QUIET;
        };
    }
}
