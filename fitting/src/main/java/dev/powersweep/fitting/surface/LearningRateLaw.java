package dev.powersweep.fitting.surface;

import dev.powersweep.fitting.Convergence;
import dev.powersweep.fitting.Estimate;
import dev.powersweep.fitting.FitOptions;
import dev.powersweep.fitting.FitResult;
import dev.powersweep.fitting.Identifiability;
import dev.powersweep.fitting.Replicas;
import dev.powersweep.fitting.law.Law;
import dev.powersweep.fitting.linear.LeastSquares;
import dev.powersweep.fitting.runs.Column;
import dev.powersweep.fitting.runs.FitRefusal;
import dev.powersweep.fitting.runs.Observations;
import dev.powersweep.fitting.runs.Point;
import dev.powersweep.fitting.surface.QuadraticOptimum.Minimum;
import dev.powersweep.fitting.surface.QuadraticOptimum.Missing;
import dev.powersweep.fitting.surface.QuadraticOptimum.Reason;
import dev.powersweep.fitting.uncertainty.Bootstrap;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.LinkedHashMap;
import java.util.LinkedHashSet;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.Optional;
import java.util.Set;
import java.util.SplittableRandom;
import java.util.stream.IntStream;

/**
 * {@code lr-surface}: the best learning rate, and the best batch where the batch varies too, by a quadratic of the loss in
 * their logarithms ({@link QuadraticOptimum}), one for each (N, D) that was swept; where several were, the best learning rate
 * as k·N^p_N·D^p_D (Bi et al. 2024; Porian et al. 2024). Batch in tokens.
 *
 * <p>One (N, D): parameters lr_opt and, where three batch sizes vary, b_opt, with Student's intervals. Several: parameters k,
 * then p_N and p_D as far as N and D vary independently, with bootstrap intervals; each optimum is a derived quantity.
 */
public final class LearningRateLaw implements Law {
    /** Token counts that differ by less are one data size: they are rounded to whole batches. */
    private static final double SAME_DATA = 0.02;

    private static final double TOLERATED_NATS = 0.01;
    private static final double COLLINEAR = 0.98;

    @Override
    public String name() {
        return "lr-surface";
    }

    @Override
    public String title() {
        return "Best learning rate and batch (quadratic in logarithms)";
    }

    @Override
    public String formula() {
        return "L = L_opt + (x - x_opt)'H(x - x_opt)/2, x = (ln lr, ln b); lr_opt = k*N^p_N*D^p_D";
    }

    @Override
    public String source() {
        return "Bi et al. 2024, arXiv 2401.02954, section 3; Porian et al. 2024, arXiv 2406.19146";
    }

    @Override
    public Set<Column> needs() {
        return new LinkedHashSet<>(List.of(Column.LEARNING_RATE, Column.LOSS));
    }

    @Override
    public Optional<FitRefusal> refusal(Observations runs) {
        for (Column column : needs()) {
            if (!runs.has(column)) {
                return Optional.of(new FitRefusal(
                        FitRefusal.Reason.MISSING_COLUMN,
                        "lr-surface needs column " + column.label() + " (" + column.unit()
                                + "), which the runs do not have; name the column that holds it."));
            }
        }
        int rates = runs.distinct(Column.LEARNING_RATE);
        if (rates < 3) {
            return Optional.of(new FitRefusal(
                    FitRefusal.Reason.TOO_FEW_SIZES,
                    "lr-surface needs at least 3 different learning rates at one N and D, and the runs have " + rates
                            + "; add runs that vary it."));
        }
        return Optional.empty();
    }

    /** One (N, D) that was swept. */
    private record Sweep(double n, double d, List<Integer> rows) {
        String place() {
            return String.format(Locale.ROOT, "N=%.4g,D=%.4g", n, d);
        }
    }

    @Override
    public FitResult fit(Observations all, FitOptions options) {
        refusal(all).ifPresent(refused -> {
            throw refused;
        });
        Observations runs = all.finals();
        List<Sweep> sweeps = new ArrayList<>();
        List<Minimum> minima = new ArrayList<>();
        List<String> problems = new ArrayList<>();
        List<Reason> reasons = new ArrayList<>();
        for (Sweep sweep : sweeps(runs)) {
            QuadraticOptimum optimum = optimum(runs, sweep.rows());
            if (optimum instanceof Minimum minimum) {
                sweeps.add(sweep);
                minima.add(minimum);
            } else if (optimum instanceof Missing missing) {
                problems.add(sentence(runs, sweep, missing));
                reasons.add(missing.reason());
            }
        }
        if (minima.isEmpty()) {
            throw new FitRefusal(reason(reasons.get(0)), problems.get(0));
        }
        FitResult.Builder result = FitResult.of(name(), formula())
                .response(Column.LEARNING_RATE)
                .data(runs.size(), runs.runs())
                .options(options)
                .convergence(Convergence.closedForm("least squares of a quadratic surface: closed form"));
        problems.forEach(result::warn);
        if (minima.size() == 1) {
            single(minima.get(0), options, result);
        } else {
            several(runs, sweeps, minima, options, result);
        }
        return result.build();
    }

    private static void single(Minimum minimum, FitOptions options, FitResult.Builder result) {
        String[] names = {"lr_opt", "b_opt"};
        String[] units = {"1", "tokens"};
        for (int axis = 0; axis < minimum.logSetting().length; axis++) {
            double[] interval = minimum.interval(axis, options.confidence());
            result.parameter(names[axis], new Estimate(minimum.setting(axis), interval[0], interval[1], units[axis]));
            result.derived(
                    (axis == 0 ? "lr" : "b") + "_factor_within_0.01_nats",
                    Estimate.of(minimum.tolerance(axis, TOLERATED_NATS), "1"));
            result.derived("curvature_" + (axis == 0 ? "lr" : "b"), Estimate.of(minimum.hessian()[axis][axis], "nats"));
        }
        result.derived("L_opt", Estimate.of(minimum.loss(), "nats/token"))
                .predictor((values, at) -> values[0])
                .identifiability(new Identifiability(
                        "One model and data size was swept: how the best settings move with size is unknown.",
                        List.of()));
    }

    private void several(
            Observations runs, List<Sweep> sweeps, List<Minimum> minima, FitOptions options, FitResult.Builder result) {
        double[] n = sweeps.stream().mapToDouble(Sweep::n).toArray();
        double[] d = sweeps.stream().mapToDouble(Sweep::d).toArray();
        double[] rate =
                minima.stream().mapToDouble(minimum -> minimum.logSetting()[0]).toArray();
        List<String> powers = powers(n, d);
        Optional<LeastSquares> fitted = regress(powers, n, d, rate);
        if (fitted.isEmpty()) {
            throw new FitRefusal(
                    FitRefusal.Reason.COLLINEAR,
                    "lr-surface cannot fit a law through " + minima.size()
                            + " optima; sweep the learning rate at more sizes.");
        }
        double[] values = published(fitted.get());
        double[][] replicas = new double[options.bootstrap()][];
        for (int k = 0; k < replicas.length; k++) {
            replicas[k] = refit(runs, sweeps, powers, n, d, Bootstrap.generator(options.seed(), k));
        }
        double[][] kept = Arrays.stream(replicas).filter(row -> row.length > 0).toArray(double[][]::new);
        List<String> names = new ArrayList<>(List.of("k"));
        names.addAll(powers);
        for (int j = 0; j < values.length; j++) {
            int column = j;
            double[] interval = Replicas.interval(
                    Arrays.stream(kept).mapToDouble(row -> row[column]).toArray(), options.confidence());
            result.parameter(names.get(j), new Estimate(values[j], interval[0], interval[1], "1"));
        }
        for (int i = 0; i < minima.size(); i++) {
            double[] interval = minima.get(i).interval(0, options.confidence());
            result.derived(
                    "lr_opt[" + sweeps.get(i).place() + "]",
                    new Estimate(minima.get(i).setting(0), interval[0], interval[1], "1"));
            if (minima.get(i).logSetting().length > 1) {
                double[] batch = minima.get(i).interval(1, options.confidence());
                result.derived(
                        "b_opt[" + sweeps.get(i).place() + "]",
                        new Estimate(minima.get(i).setting(1), batch[0], batch[1], "tokens"));
            }
        }
        result.replicas(new Replicas(names, kept))
                .predictor((parameters, at) -> predict(names, parameters, at))
                .identifiability(new Identifiability(
                        powers.size() == 2
                                ? "The optima vary N and D independently."
                                : "The optima do not vary N and D independently: " + String.join(", ", powers)
                                        + " is the power along the sizes that were swept, not of one of them alone.",
                        List.of()));
    }

    private static double predict(List<String> names, double[] parameters, Point at) {
        double log = Math.log(parameters[0]);
        for (int j = 1; j < parameters.length; j++) {
            log += parameters[j] * Math.log(at.get(names.get(j).equals("p_N") ? Column.N : Column.D));
        }
        return Math.exp(log);
    }

    private static double[] refit(
            Observations runs,
            List<Sweep> sweeps,
            List<String> powers,
            double[] n,
            double[] d,
            SplittableRandom random) {
        double[] rate = new double[sweeps.size()];
        for (int i = 0; i < rate.length; i++) {
            List<Integer> rows = sweeps.get(i).rows();
            List<Integer> drawn = new ArrayList<>();
            for (int k = 0; k < rows.size(); k++) {
                drawn.add(rows.get(random.nextInt(rows.size())));
            }
            if (!(optimum(runs, drawn) instanceof Minimum minimum)) {
                return new double[0];
            }
            rate[i] = minimum.logSetting()[0];
        }
        return regress(powers, n, d, rate).map(LearningRateLaw::published).orElse(new double[0]);
    }

    private static double[] published(LeastSquares fit) {
        double[] values = fit.coefficients().clone();
        values[0] = Math.exp(values[0]);
        return values;
    }

    /** Which of N and D the optima can speak of. */
    private static List<String> powers(double[] n, double[] d) {
        boolean byN = spread(n) > 0.05;
        boolean byD = spread(d) > 0.05;
        if (byN && byD && (n.length < 4 || Math.abs(correlation(n, d)) > COLLINEAR)) {
            return List.of("p_N");
        }
        List<String> powers = new ArrayList<>();
        if (byN) {
            powers.add("p_N");
        }
        if (byD) {
            powers.add("p_D");
        }
        return powers;
    }

    private static Optional<LeastSquares> regress(List<String> powers, double[] n, double[] d, double[] rate) {
        double[][] design = new double[rate.length][1 + powers.size()];
        for (int i = 0; i < rate.length; i++) {
            design[i][0] = 1;
            for (int j = 0; j < powers.size(); j++) {
                design[i][1 + j] = Math.log(powers.get(j).equals("p_N") ? n[i] : d[i]);
            }
        }
        return LeastSquares.solve(design, rate);
    }

    private static double spread(double[] values) {
        return Math.log(Arrays.stream(values).max().orElseThrow()
                / Arrays.stream(values).min().orElseThrow());
    }

    private static double correlation(double[] a, double[] b) {
        double meanA = Arrays.stream(a).map(Math::log).average().orElseThrow();
        double meanB = Arrays.stream(b).map(Math::log).average().orElseThrow();
        double aa = 0;
        double ab = 0;
        double bb = 0;
        for (int i = 0; i < a.length; i++) {
            double x = Math.log(a[i]) - meanA;
            double y = Math.log(b[i]) - meanB;
            aa += x * x;
            ab += x * y;
            bb += y * y;
        }
        return ab / Math.sqrt(aa * bb);
    }

    private static QuadraticOptimum optimum(Observations runs, List<Integer> rows) {
        double[] rate = pick(runs, Column.LEARNING_RATE, rows);
        double[] loss = pick(runs, Column.LOSS, rows);
        double[] batch = runs.has(Column.B) ? pick(runs, Column.B, rows) : new double[0];
        boolean both = Arrays.stream(batch).distinct().count() >= 3;
        return QuadraticOptimum.fit(both ? new double[][] {rate, batch} : new double[][] {rate}, loss);
    }

    private static double[] pick(Observations runs, Column column, List<Integer> rows) {
        return rows.stream().mapToDouble(row -> runs.at(column, row)).toArray();
    }

    private static List<Sweep> sweeps(Observations runs) {
        Map<List<Long>, Sweep> sweeps = new LinkedHashMap<>();
        IntStream.range(0, runs.size()).forEach(row -> {
            double n = runs.has(Column.N) ? runs.at(Column.N, row) : 1;
            double d = runs.has(Column.D) ? runs.at(Column.D, row) : 1;
            Sweep near = sweeps.values().stream()
                    .filter(sweep -> Math.abs(sweep.n() / n - 1) < 1e-9 && Math.abs(sweep.d() / d - 1) < SAME_DATA)
                    .findFirst()
                    .orElse(null);
            if (near == null) {
                near = new Sweep(n, d, new ArrayList<>());
                sweeps.put(List.of(Double.doubleToLongBits(n), Double.doubleToLongBits(d)), near);
            }
            near.rows().add(row);
        });
        return List.copyOf(sweeps.values());
    }

    private static FitRefusal.Reason reason(Reason reason) {
        return switch (reason) {
            case TOO_FEW_POINTS -> FitRefusal.Reason.TOO_FEW_POINTS;
            case COLLINEAR -> FitRefusal.Reason.COLLINEAR;
            case NOT_CONVEX -> FitRefusal.Reason.NO_INTERIOR_MINIMUM;
            case LOWER_EDGE, UPPER_EDGE -> FitRefusal.Reason.EDGE_MINIMUM;
        };
    }

    private static String sentence(Observations runs, Sweep sweep, Missing missing) {
        String axis = missing.axis() == 1 ? "batch size" : "learning rate";
        double[] settings = pick(runs, missing.axis() == 1 ? Column.B : Column.LEARNING_RATE, sweep.rows());
        String problem =
                switch (missing.reason()) {
                    case TOO_FEW_POINTS ->
                        sweep.rows().size() + " runs are fewer than the quadratic has coefficients; add settings.";
                    case COLLINEAR ->
                        "the settings do not span a quadratic (3 values on each axis, varied independently, are needed).";
                    case NOT_CONVEX -> "the loss has no minimum in the settings; add settings around the best.";
                    case LOWER_EDGE ->
                        String.format(
                                Locale.ROOT,
                                "the best %s lies at or below the smallest tried (%.3g); add smaller ones.",
                                axis,
                                Arrays.stream(settings).min().orElseThrow());
                    case UPPER_EDGE ->
                        String.format(
                                Locale.ROOT,
                                "the best %s lies at or above the largest tried (%.3g); add larger ones.",
                                axis,
                                Arrays.stream(settings).max().orElseThrow());
                };
        return "At " + sweep.place() + " " + problem;
    }
}
