package dev.powersweep.fitting.batch;

import dev.powersweep.fitting.batch.BatchTradeOff.Determined;
import dev.powersweep.fitting.law.StagedLaw;
import dev.powersweep.fitting.linear.PowerLaw;
import dev.powersweep.fitting.optimise.Objective;
import dev.powersweep.fitting.optimise.Workers;
import dev.powersweep.fitting.result.Convergence;
import dev.powersweep.fitting.result.Estimate;
import dev.powersweep.fitting.result.FitOptions;
import dev.powersweep.fitting.result.FitResult;
import dev.powersweep.fitting.result.Identifiability;
import dev.powersweep.fitting.result.ObjectiveValue;
import dev.powersweep.fitting.result.Profile;
import dev.powersweep.fitting.result.Quality;
import dev.powersweep.fitting.result.Replicas;
import dev.powersweep.fitting.result.Residual;
import dev.powersweep.fitting.runs.FitRefusal;
import dev.powersweep.fitting.runs.Observations;
import dev.powersweep.fitting.runs.Point;
import dev.powersweep.fitting.runs.Quantity;
import dev.powersweep.fitting.uncertainty.Bootstrap;
import dev.powersweep.fitting.uncertainty.Regression;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.Comparator;
import java.util.LinkedHashMap;
import java.util.LinkedHashSet;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.Optional;
import java.util.Set;
import java.util.SplittableRandom;
import java.util.function.Function;

/**
 * {@code critical-batch}: the batch size beyond which larger batches waste data. At each level of loss S = S_min + E_min/B is
 * fitted (Kaplan et al. 2020, eq 5.1; Zhang et al. 2024), B_crit = E_min/S_min, and through these points run B_crit = B_0·D^κ
 * with D = E_min, B_N·N^κ_N, and B_star/L^(1/α_B) (eq 1.4). Batches in tokens. Where every B_crit exceeds 256 sequences of 512
 * tokens, Zhang et al.'s own critical size, 20 % more data than these need, is given too, and as B_Zhang·N^ζ.
 *
 * <p>{@link CriticalBatchPoints} says which kinds of runs are understood. Points of one model at neighbouring losses
 * share runs and their noise, so the interval is by the bootstrap over runs and not by the points' scatter. The
 * {@link Identifiability} verdict says whether data or size describes the points better;
 * {@link CriticalBatchComparison} does the same on the losses themselves.
 */
public final class CriticalBatchLaw implements StagedLaw {
    private static final double OVERHEAD = 0.2;

    /** 256 sequences of 512 tokens, up to which Zhang et al. take scaling to be linear. */
    private static final double ZHANG_REFERENCE = 256 * 512.0;

    @Override
    public String name() {
        return "critical-batch";
    }

    @Override
    public String title() {
        return "Critical batch size (Kaplan et al. 2020; Zhang et al. 2024)";
    }

    @Override
    public String formula() {
        return "S = S_min + E_min/b at each loss, B_crit = E_min/S_min = B_0*D^kappa";
    }

    @Override
    public String source() {
        return "Kaplan et al. 2020, arXiv 2001.08361, eqs 1.4, 5.1, 5.2; Zhang et al. 2024, arXiv 2410.21676";
    }

    @Override
    public Set<Quantity> needs() {
        return new LinkedHashSet<>(List.of(Quantity.N, Quantity.B, Quantity.S, Quantity.LOSS));
    }

    @Override
    public Optional<FitRefusal> refusal(Observations runs) {
        for (Quantity column : needs()) {
            boolean clock = column == Quantity.S && runs.has(Quantity.STEP);
            if (!runs.has(column) && !clock) {
                return Optional.of(new FitRefusal(
                        FitRefusal.Reason.MISSING_COLUMN,
                        "critical-batch needs column " + column.described()
                                + ", which the runs do not have; name the column that holds it."));
            }
        }
        int batches = runs.distinct(Quantity.B);
        if (batches < BatchTradeOff.FEWEST_BATCHES) {
            return Optional.of(new FitRefusal(
                    FitRefusal.Reason.TOO_FEW_SIZES,
                    "critical-batch needs at least 3 different values of b (tokens), and the runs have " + batches
                            + "; add runs that vary it at equal N."));
        }
        return Optional.empty();
    }

    @Override
    public FitResult fit(Observations runs, FitOptions options) {
        refusal(runs).ifPresent(refused -> {
            throw refused;
        });
        CriticalBatchPoints found = CriticalBatchPoints.of(runs);
        if (found.points().isEmpty()) {
            throw new FitRefusal(
                    FitRefusal.Reason.NO_INTERIOR_MINIMUM,
                    "No critical batch size is determined by these runs. "
                            + (found.problems().isEmpty()
                                    ? ""
                                    : found.problems().get(0)));
        }
        Map<String, Estimate> law = law(found.points());
        double[][] replicas = replicas(runs, found, law, options);
        FitResult.Builder result = FitResult.of(name(), formula())
                .response(Quantity.B)
                .data(runs.size(), runs.runs())
                .options(options)
                .convergence(Convergence.closedForm(
                        "each trade-off by an exhaustive search over ln B_crit, the laws through them by least"
                                + " squares"))
                .identifiability(
                        new Identifiability(CriticalBatchLaws.of(found.points()).verdict(), List.of()));
        List<String> names = List.copyOf(law.keySet());
        for (int j = 0; j < names.size(); j++) {
            int column = j;
            double[] interval = Replicas.interval(
                    Arrays.stream(replicas).mapToDouble(row -> row[column]).toArray(), options.confidence());
            Estimate value = law.get(names.get(j));
            Estimate estimate = new Estimate(value.value(), interval[0], interval[1], value.unit());
            if (parameters(law) > j) {
                result.parameter(names.get(j), estimate);
            } else {
                result.derived(names.get(j), estimate);
            }
        }
        int parameters = parameters(law);
        double[] values =
                Arrays.copyOf(law.values().stream().mapToDouble(Estimate::value).toArray(), parameters);
        describe(found, values, result);
        result.replicas(new Replicas(
                        names.subList(0, parameters),
                        Arrays.stream(replicas)
                                .map(row -> Arrays.copyOf(row, parameters))
                                .toArray(double[][]::new)))
                .predictor(CriticalBatchLaw::predict);
        if (parameters > 1) {
            Regression line = line(found.points());
            result.rollOut(line.rollOut());
            if (options.extras() == FitOptions.Extras.PROFILES) {
                List<Profile> profiles = new ArrayList<>();
                line.profile(names.get(0), 0, Regression.Form.EXPONENTIAL, options.confidence())
                        .ifPresent(profiles::add);
                line.profile(names.get(1), 1, Regression.Form.PLAIN, options.confidence())
                        .ifPresent(profiles::add);
                result.profiles(profiles);
            }
        }
        if (runs.weighted().size() < runs.size()
                || Arrays.stream(runs.weights()).distinct().count() > 1) {
            result.warn("Row weights are not used: each level of loss counts alike.");
        }
        beyond(runs, found).ifPresent(result::warn);
        found.problems().forEach(result::warn);
        if (found.kind() == CriticalBatchPoints.Kind.CURVES) {
            result.warn("Intermediate points count as finished runs here: right for a constant learning rate only.");
        }
        return result.build();
    }

    /** Estimates that no batch was large enough to measure. */
    private static Optional<String> beyond(Observations runs, CriticalBatchPoints found) {
        double largest = Arrays.stream(runs.column(Quantity.B)).max().orElseThrow();
        long beyond = found.points().stream()
                .filter(point -> point.criticalBatch() > largest)
                .count();
        return beyond == 0
                ? Optional.empty()
                : Optional.of(String.format(
                        Locale.ROOT,
                        "%d of %d critical batch sizes lie beyond the largest batch tried, %.4g tokens: each of them"
                                + " is a bound from below and no measurement; try larger batches.",
                        beyond,
                        found.points().size(),
                        largest));
    }

    /** The measured critical batch sizes as a line in the logarithm of the data, the least data first. */
    private static Regression line(List<CriticalBatchPoint> points) {
        List<CriticalBatchPoint> sorted = points.stream()
                .sorted(Comparator.comparingDouble(CriticalBatchPoint::data))
                .toList();
        double[] ones = new double[sorted.size()];
        Arrays.fill(ones, 1);
        return new Regression(
                sorted.stream()
                        .map(point -> String.format(Locale.ROOT, "B_crit at %.4g tokens", point.data()))
                        .toList(),
                sorted.stream()
                        .map(point -> Point.nd(point.n(), point.data()).and(Quantity.LOSS, point.loss()))
                        .toList(),
                sorted.stream()
                        .map(point -> new double[] {1, Math.log(point.data())})
                        .toArray(double[][]::new),
                sorted.stream().mapToDouble(CriticalBatchPoint::criticalBatch).toArray(),
                ones);
    }

    private static double predict(double[] values, Point at) {
        return values.length == 1 ? values[0] : values[0] * Math.pow(at.get(Quantity.D), values[1]);
    }

    private static void describe(CriticalBatchPoints found, double[] values, FitResult.Builder result) {
        List<Residual> residuals = new ArrayList<>();
        double sum = 0;
        for (int i = 0; i < found.points().size(); i++) {
            CriticalBatchPoint point = found.points().get(i);
            Determined fit = found.fits().get(i);
            String place = String.format(Locale.ROOT, "N=%.4g,L=%.4g", point.n(), point.loss());
            result.derived(
                    "B_crit[" + place + "]",
                    new Estimate(fit.criticalBatch(), fit.criticalBatchLow(), fit.criticalBatchHigh(), "tokens"));
            result.derived("B_20%[" + place + "]", Estimate.of(fit.batchAtOverhead(OVERHEAD, 0), "tokens"));
            if (measured(found.points())) {
                result.derived(
                        "B_Zhang[" + place + "]",
                        Estimate.of(fit.batchAtOverhead(OVERHEAD, ZHANG_REFERENCE), "tokens"));
            }
            Point at = Point.nd(point.n(), point.data()).and(Quantity.LOSS, point.loss());
            double predicted = predict(values, at);
            double residual = Math.log(predicted / point.criticalBatch());
            sum += residual * residual;
            residuals.add(new Residual(place, at, point.criticalBatch(), predicted, residual));
        }
        int n = residuals.size();
        result.residuals(residuals)
                .objective(new ObjectiveValue(Objective.MSE_LOG, 1e-3, sum, sum / n))
                .quality(new Quality(
                        Double.NaN, values.length + 1, Math.sqrt(sum / Math.max(1, n - values.length)), Double.NaN));
    }

    /** Zhang et al.'s rule starts from a batch that must be of the size of those measured to mean anything. */
    private static boolean measured(List<CriticalBatchPoint> points) {
        return points.stream().allMatch(point -> point.criticalBatch() > ZHANG_REFERENCE);
    }

    private static int parameters(Map<String, Estimate> law) {
        return law.containsKey("kappa") ? 2 : 1;
    }

    /** The law in D first (or one B_crit), what else can be had after it. */
    private static Map<String, Estimate> law(List<CriticalBatchPoint> points) {
        CriticalBatchLaws laws = CriticalBatchLaws.of(points);
        Map<String, Estimate> values = new LinkedHashMap<>();
        if (laws.byData().isPresent()) {
            PowerLaw data = laws.byData().get();
            values.put("B_0", Estimate.of(data.coefficient(), "tokens/tokens^kappa"));
            values.put("kappa", Estimate.of(data.exponent(), "1"));
        } else {
            values.put("B_crit", Estimate.of(points.get(0).criticalBatch(), "tokens"));
        }
        laws.alphaB().ifPresent(alpha -> {
            values.put("B_star", Estimate.of(laws.byLoss().orElseThrow().coefficient(), "tokens·nats^(1/alpha_B)"));
            values.put("alpha_B", Estimate.of(alpha, "1"));
        });
        PowerLaw.fit(
                        points.stream().mapToDouble(CriticalBatchPoint::n).toArray(),
                        points.stream()
                                .mapToDouble(
                                        point -> OVERHEAD * point.criticalBatch() + (1 + OVERHEAD) * ZHANG_REFERENCE)
                                .toArray())
                .filter(law -> measured(points))
                .ifPresent(law -> {
                    values.put("B_Zhang", Estimate.of(law.coefficient(), "tokens/parameters^zeta"));
                    values.put("zeta", Estimate.of(law.exponent(), "1"));
                });
        laws.bySize().ifPresent(size -> {
            values.put("B_N", Estimate.of(size.coefficient(), "tokens/parameters^kappa_N"));
            values.put("kappa_N", Estimate.of(size.exponent(), "1"));
        });
        return values;
    }

    private static double[][] replicas(
            Observations runs, CriticalBatchPoints found, Map<String, Estimate> law, FitOptions options) {
        double deviation = found.logDeviation();
        Function<SplittableRandom, CriticalBatchPoints> draw = random -> {
            if (options.resampling() != FitOptions.Resampling.RUNS) {
                double[] noise = new double[runs.runs()];
                Arrays.setAll(noise, run -> deviation * random.nextGaussian());
                return CriticalBatchPoints.of(runs, noise);
            }
            boolean[] kept = new boolean[runs.runs()];
            for (int i = 0; i < kept.length; i++) {
                kept[random.nextInt(kept.length)] = true;
            }
            return CriticalBatchPoints.of(runs.where(row -> kept[runs.runOf(row)]));
        };
        double[][] rows = new double[options.bootstrap()][law.size()];
        Workers.run(options.threads(), rows.length, () -> law, (own, k) -> {
            List<CriticalBatchPoint> points =
                    draw.apply(Bootstrap.generator(options.seed(), k)).points();
            Map<String, Estimate> drawn = points.isEmpty() ? Map.of() : law(points);
            int j = 0;
            for (String name : law.keySet()) {
                rows[k][j++] = drawn.containsKey(name) ? drawn.get(name).value() : Double.NaN;
            }
        });
        int parameters = parameters(law);
        return Arrays.stream(rows)
                .filter(row -> Arrays.stream(row, 0, parameters).allMatch(Double::isFinite))
                .toArray(double[][]::new);
    }
}
