package dev.powersweep.orchestrator.design;

import dev.powersweep.orchestrator.plan.Forecast;
import dev.powersweep.orchestrator.results.CellResult;
import dev.powersweep.orchestrator.spec.SweepSpec;
import dev.powersweep.worker.cell.Cell;
import dev.powersweep.worker.cell.CellState;
import dev.powersweep.worker.cell.ModelShape;
import java.util.ArrayList;
import java.util.Comparator;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.OptionalDouble;
import java.util.SplittableRandom;
import java.util.function.ToDoubleFunction;
import java.util.stream.IntStream;

/**
 * How precisely a design will answer: its cells get the losses that laws drawn about the expected one would give them, with
 * noise between seeds, are fitted as the sweep will be, and the answers are compared with what was true. Errors are those that
 * 95 % of these trials stay within; factors are e to the error of the logarithm.
 *
 * @param trials laws drawn
 * @param budgets of IsoFLOP profiles, FLOPs
 * @param inside profiles whose best size lies inside in half of the trials, at least
 * @param insideSurely the same in 95 % of them
 * @param exponent error of a by approach 3; NaN where fewer than 95 % of the trials could be fitted, as for all errors
 * @param exponentByMinima error of a by IsoFLOP minima
 * @param size factor of N_opt at the largest budget
 * @param sizeBeyond factor of N_opt at ten times that
 * @param criticalBatch factor of B_crit
 * @param batchTokens where B_crit is measured: D
 * @param batches lowest and highest batch tried, over the expected B_crit
 * @param rate factor of the best learning rate
 * @param ratesTried cells at which several rates are tried
 * @param replicated cells that are trained with several seeds
 * @param largestN largest model, non-embedding parameters
 * @param largestD most tokens of a run
 */
public record DesignAnswers(
        int trials,
        List<Double> budgets,
        int inside,
        int insideSurely,
        double exponent,
        double exponentByMinima,
        double size,
        double sizeBeyond,
        double criticalBatch,
        double batchTokens,
        List<Double> batches,
        double rate,
        int ratesTried,
        int replicated,
        double largestN,
        double largestD) {
    private static final int TRIALS = 40;
    private static final long SEED = 20_260_101;
    private static final double LEVEL = 0.95;
    /** Budgets this close are one. */
    private static final double NEAR = 1.05;

    private static final int FEWEST_SIZES = 3;

    public DesignAnswers {
        budgets = List.copyOf(budgets);
        batches = List.copyOf(batches);
    }

    /** Of PowerSweep's own models; some seconds of computing, the same for the same cells. */
    public static DesignAnswers of(SweepSpec spec, Forecast forecast) {
        return of(spec, forecast, TRIALS);
    }

    static DesignAnswers of(SweepSpec spec, Forecast forecast, int count) {
        List<Cell> cells = forecast.plan().cells().stream()
                .map(planned -> planned.gridCell().cell())
                .sorted(Comparator.comparing(Cell::id))
                .toList();
        int vocabulary = ((ModelShape) cells.get(0).model()).vocabulary();
        List<Double> budgets = budgets(cells);
        double tokens = middleOfBatches(cells);
        double largest = budgets.get(budgets.size() - 1);
        boolean transferred = spec.training().learningRate().baseWidth().isPresent();
        List<Trial> trials = IntStream.range(0, count)
                .parallel()
                .mapToObj(k -> {
                    SplittableRandom random = new SplittableRandom(SEED + k);
                    PriorLaw truth = PriorLaw.drawn(vocabulary, random);
                    List<CellResult> results = cells.stream()
                            .map(cell -> trained(cell, truth, transferred, random))
                            .toList();
                    return Trial.of(truth, results, largest, tokens);
                })
                .toList();
        double expected = PriorLaw.central(vocabulary).criticalBatch(tokens);
        double[] varied = cells.stream()
                .filter(cell -> Math.abs(Math.log(cell.tokens() / tokens)) < Math.log(NEAR))
                .mapToDouble(cell -> cell.batchTokens() / expected)
                .sorted()
                .toArray();
        int[] inside = trials.stream().mapToInt(Trial::inside).sorted().toArray();
        return new DesignAnswers(
                count,
                budgets,
                inside[inside.length / 2],
                inside[(int) Math.floor((1 - LEVEL) * inside.length)],
                within(trials, Trial::exponent),
                within(trials, Trial::exponentByMinima),
                Math.exp(within(trials, Trial::size)),
                Math.exp(within(trials, Trial::sizeBeyond)),
                Math.exp(within(trials, Trial::criticalBatch)),
                tokens,
                List.of(varied[0], varied[varied.length - 1]),
                Math.exp(within(trials, Trial::rate)),
                several(cells, cell -> cell.training().peakLearningRate()),
                several(cells, Cell::seed),
                cells.stream()
                        .mapToDouble(cell -> cell.model().counts().n())
                        .max()
                        .orElseThrow(),
                cells.stream().mapToDouble(Cell::tokens).max().orElseThrow());
    }

    /** Budgets with enough sizes for a minimum, smallest first. */
    private static List<Double> budgets(List<Cell> cells) {
        double[] flops =
                cells.stream().mapToDouble(DesignAnswers::flops).sorted().toArray();
        List<Double> budgets = new ArrayList<>();
        for (double each : flops) {
            boolean known = !budgets.isEmpty() && each < budgets.get(budgets.size() - 1) * NEAR;
            long sizes = cells.stream()
                    .filter(cell -> flops(cell) >= each && flops(cell) < each * NEAR)
                    .map(Cell::model)
                    .distinct()
                    .count();
            if (!known && sizes >= FEWEST_SIZES) {
                budgets.add(each);
            }
        }
        return budgets.isEmpty() ? List.of(flops[flops.length - 1]) : budgets;
    }

    private static double flops(Cell cell) {
        return cell.model().counts().kaplanFlops(cell.tokens()).orElseThrow();
    }

    /** D of the cell at which most batches are tried. */
    private static double middleOfBatches(List<Cell> cells) {
        return cells.stream()
                .max(Comparator.<Cell>comparingLong(cell -> cells.stream()
                                .filter(other -> other.model().equals(cell.model())
                                        && Math.abs(Math.log((double) other.tokens() / cell.tokens())) < Math.log(NEAR))
                                .mapToLong(Cell::batchTokens)
                                .distinct()
                                .count())
                        .thenComparing(Cell::id))
                .orElseThrow()
                .tokens();
    }

    private static int several(List<Cell> cells, ToDoubleFunction<Cell> of) {
        return (int) cells.stream()
                .map(cell ->
                        List.of(cell.model(), cell.data().steps(), cell.data().batchSequences()))
                .distinct()
                .filter(scale -> cells.stream()
                                .filter(cell -> List.of(
                                                cell.model(),
                                                cell.data().steps(),
                                                cell.data().batchSequences())
                                        .equals(scale))
                                .mapToDouble(of)
                                .distinct()
                                .count()
                        > 1)
                .count();
    }

    /** The error that 95 % of the trials stay within. */
    private static double within(List<Trial> trials, ToDoubleFunction<Trial> error) {
        double[] known = trials.stream()
                .mapToDouble(error)
                .filter(Double::isFinite)
                .map(Math::abs)
                .sorted()
                .toArray();
        int needed = (int) Math.ceil(LEVEL * trials.size());
        return known.length < needed ? Double.NaN : known[needed - 1];
    }

    /** @param transferred whether the rate is one of a base width, which the trainer scales: then it counts as the expected one */
    private static CellResult trained(Cell cell, PriorLaw truth, boolean transferred, SplittableRandom random) {
        double n = cell.model().counts().n();
        double d = cell.tokens();
        double b = cell.batchTokens();
        double rate =
                transferred ? PriorLaw.expectedRate(n, b, d) : cell.training().peakLearningRate();
        double loss = truth.loss(n, d, b, rate) * Math.exp(truth.noise() * random.nextGaussian());
        return new CellResult(
                cell.id(),
                cell.id(),
                CellState.FINISHED,
                Optional.empty(),
                1,
                n,
                n,
                d,
                d,
                d,
                b,
                6 * n * d,
                6 * n * d,
                cell.seed(),
                rate,
                "",
                0,
                OptionalDouble.of(loss),
                OptionalDouble.empty(),
                OptionalDouble.empty(),
                OptionalDouble.empty(),
                OptionalDouble.empty(),
                OptionalDouble.empty(),
                false,
                Map.of());
    }
}
