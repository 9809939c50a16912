package dev.powersweep.orchestrator.report.sections;

import dev.powersweep.fitting.batch.ThreeTerm;
import dev.powersweep.fitting.result.Estimate;
import dev.powersweep.fitting.result.FitResult;
import dev.powersweep.fitting.result.Replicas;
import dev.powersweep.fitting.result.Residual;
import dev.powersweep.fitting.runs.Quantity;
import dev.powersweep.orchestrator.fits.FitSet;
import dev.powersweep.orchestrator.report.Block;
import dev.powersweep.orchestrator.results.CellResult;
import dev.powersweep.orchestrator.results.GradientNorms;
import dev.powersweep.orchestrator.text.Numbers;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.Comparator;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.TreeMap;
import java.util.function.Function;
import java.util.function.ToDoubleFunction;
import java.util.stream.Collectors;

/**
 * The critical batch size, by trade-offs and by the law of the loss that knows the batch, beside the gradient noise scale, of each
 * model, and the batch warm-up that follows.
 */
final class NoiseTable {
    private static final String TRADE_OFFS = "critical-batch";
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
        Optional<FitResult> law = law(fits);
        List<List<Block.Cell>> rows = new ArrayList<>();
        List<String> warmUps = new ArrayList<>();
        for (GradientNorms norms : longest) {
            double n = cells.get(norms.cell()).parameters();
            List<double[]> points = BatchSection.noise(norms);
            if (points.isEmpty()) {
                continue;
            }
            double scale = points.get(points.size() - 1)[1];
            Optional<Estimate> traded = critical(fits.set().of(TRADE_OFFS), models, models.of(n));
            Optional<Estimate> fitted = law.flatMap(fit -> atLowestLoss(fit, fits, models, models.of(n)));
            List<Block.Cell> row = new ArrayList<>(List.of(new Block.Cell(Numbers.count(n), Block.Tone.STRONG)));
            if (fits.set().of(TRADE_OFFS).isPresent()) {
                row.add(cell(traded, largest));
            }
            if (law.isPresent()) {
                row.add(cell(fitted, largest));
            }
            row.add(Block.Cell.of(Numbers.count(scale, 2)));
            row.add(traded.or(() -> fitted)
                    .map(estimate -> Block.Cell.of(Numbers.significant(estimate.value() / scale, 2)))
                    .orElse(new Block.Cell("–", Block.Tone.QUIET)));
            rows.add(row);
            warmUp(
                            points,
                            n,
                            norms.smallTokens(),
                            traded.or(() -> fitted).map(Estimate::value).orElse(Double.POSITIVE_INFINITY))
                    .ifPresent(warmUps::add);
        }
        if (rows.isEmpty()) {
            return List.of();
        }
        List<Block.Column> columns = new ArrayList<>(List.of(new Block.Column("model N", true)));
        fits.set()
                .of(TRADE_OFFS)
                .ifPresent(fit -> columns.add(new Block.Column("B_crit by trade-offs, at its lowest loss", true)));
        law.ifPresent(fit -> columns.add(new Block.Column("B_crit by " + fit.law() + ", at its lowest loss", true)));
        columns.add(new Block.Column("noise scale tr Σ/|G|²", true));
        columns.add(new Block.Column("B_crit over noise scale", true));
        List<Block> blocks = new ArrayList<>();
        blocks.add(new Block.Table(
                "Critical batch size and gradient noise scale at the end of training, tokens", columns, rows));
        List<String> grounds = grounds(fits, law);
        if (!grounds.isEmpty()) {
            blocks.add(new Block.Notes("", grounds, Block.Tone.PLAIN));
        }
        if (!warmUps.isEmpty()) {
            blocks.add(new Block.Notes(
                    "A batch warm-up that follows the noise scale (untried here)", warmUps, Block.Tone.PLAIN));
        }
        return blocks;
    }

    /** Of the laws with a critical batch the one that describes the runs best, where it predicts better than no change. */
    private static Optional<FitResult> law(Fits fits) {
        return fits.set().fitted().stream()
                .map(FitSet.Fitted::result)
                .filter(fit -> ThreeTerm.byName(fit.law()).isPresent()
                        && fit.response() == Quantity.LOSS
                        && fit.convergence().certified()
                        && fit.beatsNoChange()
                        && Double.isFinite(fit.quality().aicc()))
                .min(Comparator.comparingDouble(fit -> fit.quality().aicc()));
    }

    /** Where a model's lowest loss was reached. */
    private static Optional<Estimate> atLowestLoss(FitResult fit, Fits fits, Levels models, int level) {
        ThreeTerm law = ThreeTerm.byName(fit.law()).orElseThrow();
        return fits.cells().stream()
                .filter(cell -> models.of(cell.parameters()) == level)
                .min(Comparator.comparingDouble(cell -> cell.validationLoss().getAsDouble()))
                .map(cell -> {
                    ToDoubleFunction<double[]> critical = values -> law.criticalBatch(
                            values,
                            cell.parameters(),
                            cell.tokens(),
                            cell.validationLoss().getAsDouble());
                    double[] interval = Replicas.interval(
                            Arrays.stream(fit.replicas().values())
                                    .mapToDouble(critical)
                                    .toArray(),
                            fits.set().options().confidence());
                    return new Estimate(critical.applyAsDouble(fit.values()), interval[0], interval[1], "tokens");
                });
    }

    /** What the columns rest on, and why one is missing. */
    private static List<String> grounds(Fits fits, Optional<FitResult> law) {
        List<String> sentences = new ArrayList<>();
        law.ifPresent(fit -> {
            List<String> varied = fits.results().usable().stream()
                    .collect(Collectors.groupingBy(
                            CellResult::parameters,
                            TreeMap::new,
                            Collectors.mapping(CellResult::batchTokens, Collectors.toSet())))
                    .entrySet()
                    .stream()
                    .filter(size -> size.getValue().size() > 1)
                    .map(size -> Numbers.count(size.getKey()))
                    .toList();
            sentences.add(fit.law() + " is one law of all runs; batches were varied at N = " + String.join(", ", varied)
                    + ", and what it says of other sizes follows from its form.");
        });
        fits.set().refused().stream()
                .filter(refused -> refused.law().equals(TRADE_OFFS))
                .forEach(refused -> sentences.add("By trade-offs: " + refused.sentence()));
        return sentences;
    }

    private static Block.Cell cell(Optional<Estimate> estimate, double largest) {
        return estimate.map(known -> cell(known, largest)).orElse(new Block.Cell("not determined", Block.Tone.QUIET));
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

    /**
     * Batches that double whenever the noise scale has.
     *
     * @param smallest batch: that of a micro-batch, a whole number of sequences
     * @param critical batch at the end, which none exceeds
     */
    private static Optional<String> warmUp(List<double[]> points, double n, double smallest, double critical) {
        double batch = doubled(smallest, points.get(0)[1]);
        List<String> stages = new ArrayList<>(List.of(Numbers.count(batch, 4)));
        for (double[] point : points) {
            double allowed = Math.min(point[1], critical);
            if (allowed >= DOUBLING * batch && stages.size() < STAGES) {
                batch = doubled(smallest, allowed);
                stages.add(Numbers.count(batch, 4) + " from " + Numbers.count(point[0], 2) + " tokens on");
            }
        }
        return stages.size() < 2
                ? Optional.empty()
                : Optional.of("N = " + Numbers.count(n) + ": batches of " + String.join(", ", stages) + ".");
    }

    private static double doubled(double smallest, double wanted) {
        return smallest * Math.pow(2, Math.floor(Math.log(Math.max(1, wanted / smallest)) / Math.log(2)));
    }
}
