package dev.powersweep.orchestrator.report.sections;

import dev.powersweep.fitting.result.Estimate;
import dev.powersweep.fitting.result.FitResult;
import dev.powersweep.fitting.result.Residual;
import dev.powersweep.fitting.runs.Quantity;
import dev.powersweep.orchestrator.report.Block;
import dev.powersweep.orchestrator.results.CellResult;
import dev.powersweep.orchestrator.results.GradientNorms;
import dev.powersweep.orchestrator.text.Numbers;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.function.Function;
import java.util.stream.Collectors;

/** The critical batch size by trade-offs beside the gradient noise scale, of each model, and the batch warm-up that follows. */
final class NoiseTable {
    private static final double DOUBLING = 2;
    private static final int STAGES = 6;

    private NoiseTable() {}

    /** Blocks for the models that have either number; none where no gradient norms were kept. */
    static List<Block> of(Fits fits) {
        Map<String, CellResult> cells =
                fits.results().cells().stream().collect(Collectors.toMap(CellResult::id, Function.identity()));
        Levels models = Levels.of(fits.results().cells(), CellResult::parameters);
        double largest = fits.results().usable().stream()
                .mapToDouble(CellResult::batchTokens)
                .max()
                .orElse(Double.NaN);
        List<GradientNorms> longest = BatchSection.longest(
                fits.results().noise().stream()
                        .filter(norms -> cells.containsKey(norms.cell()) && norms.bigTokens() > norms.smallTokens())
                        .toList(),
                cells,
                models);
        List<List<Block.Cell>> rows = new ArrayList<>();
        List<String> warmUps = new ArrayList<>();
        for (GradientNorms norms : longest) {
            double n = cells.get(norms.cell()).parameters();
            List<double[]> points = BatchSection.noise(norms);
            if (points.isEmpty()) {
                continue;
            }
            double scale = points.get(points.size() - 1)[1];
            Optional<Estimate> critical = critical(fits.set().of("critical-batch"), models, models.of(n));
            rows.add(List.of(
                    new Block.Cell(Numbers.count(n), Block.Tone.STRONG),
                    critical.map(estimate -> cell(estimate, largest))
                            .orElse(new Block.Cell("not determined", Block.Tone.QUIET)),
                    Block.Cell.of(Numbers.count(scale, 2)),
                    critical.map(estimate -> Block.Cell.of(Numbers.significant(estimate.value() / scale, 2)))
                            .orElse(new Block.Cell("–", Block.Tone.QUIET))));
            warmUp(points, n).ifPresent(warmUps::add);
        }
        if (rows.isEmpty()) {
            return List.of();
        }
        List<Block> blocks = new ArrayList<>();
        blocks.add(new Block.Table(
                "Critical batch size and gradient noise scale at the end of training, tokens",
                List.of(
                        new Block.Column("model N", true),
                        new Block.Column("B_crit by trade-offs, at its lowest loss", true),
                        new Block.Column("noise scale tr Σ/|G|²", true),
                        new Block.Column("ratio", true)),
                rows));
        if (!warmUps.isEmpty()) {
            blocks.add(new Block.Notes(
                    "A batch warm-up that follows the noise scale (untried here)", warmUps, Block.Tone.PLAIN));
        }
        return blocks;
    }

    private static Block.Cell cell(Estimate estimate, double largest) {
        if (estimate.value() > largest) {
            return new Block.Cell(
                    "beyond " + Numbers.count(largest, 4) + ", the largest tried: a bound (estimate "
                            + Numbers.count(estimate.value(), 2) + ")",
                    Block.Tone.WARNING);
        }
        return Block.Cell.of(Numbers.count(estimate.value(), 2)
                + (estimate.hasInterval() && Double.isFinite(estimate.high())
                        ? " (" + Numbers.count(estimate.low(), 2) + " … " + Numbers.count(estimate.high(), 2) + ")"
                        : ""));
    }

    /** The point of lowest loss of a model. */
    private static Optional<Estimate> critical(Optional<FitResult> fit, Levels models, int level) {
        if (fit.isEmpty()) {
            return Optional.empty();
        }
        Residual lowest = null;
        for (Residual row : fit.get().residuals()) {
            boolean own = models.of(row.at().get(Quantity.N)) == level;
            if (own
                    && (lowest == null
                            || row.at().get(Quantity.LOSS) < lowest.at().get(Quantity.LOSS))) {
                lowest = row;
            }
        }
        return lowest == null
                ? Optional.empty()
                : Optional.ofNullable(fit.get().derived().get("B_crit[" + lowest.run() + "]"));
    }

    /** Batches that double whenever the noise scale has. */
    private static Optional<String> warmUp(List<double[]> points, double n) {
        double batch = powerOfTwo(points.get(0)[1]);
        List<String> stages = new ArrayList<>(List.of(Numbers.count(batch, 4)));
        for (double[] point : points) {
            if (point[1] >= DOUBLING * batch && stages.size() < STAGES) {
                batch = powerOfTwo(point[1]);
                stages.add(Numbers.count(batch, 4) + " from " + Numbers.count(point[0], 2) + " tokens on");
            }
        }
        return stages.size() < 2
                ? Optional.empty()
                : Optional.of("N = " + Numbers.count(n) + ": batches of " + String.join(", ", stages) + ".");
    }

    private static double powerOfTwo(double tokens) {
        return Math.pow(2, Math.floor(Math.log(Math.max(1, tokens)) / Math.log(2)));
    }
}
