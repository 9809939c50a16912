package dev.powersweep.fitting.surface;

import dev.powersweep.fitting.law.StagedLaw;
import dev.powersweep.fitting.linear.Correlation;
import dev.powersweep.fitting.linear.LeastSquares;
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
import dev.powersweep.fitting.surface.QuadraticOptimum.Minimum;
import dev.powersweep.fitting.surface.QuadraticOptimum.Missing;
import dev.powersweep.fitting.surface.QuadraticOptimum.Reason;
import dev.powersweep.fitting.uncertainty.Bootstrap;
import dev.powersweep.fitting.uncertainty.Regression;
import dev.powersweep.fitting.uncertainty.Scatter;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.Collections;
import java.util.Comparator;
import java.util.LinkedHashMap;
import java.util.LinkedHashSet;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.Optional;
import java.util.Set;
import java.util.SplittableRandom;
import java.util.function.Predicate;
import java.util.stream.IntStream;

/**
 * The best setting of a run, by a quadratic of the loss in the logarithms of the settings ({@link QuadraticOptimum}),
 * one for each (N, D) that was swept, fitted to the rows near the lowest loss; where several were, the best setting as
 * k·N^p_N·D^p_D (Bi et al. 2024; Porian et al. 2024).
 *
 * <p>{@code lr-surface} asks for the learning rate, {@code batch-surface} for the batch (tokens). Where the other setting
 * varies too, to at least three values, the quadratic is one in both, and the other's optimum is among the derived quantities.
 *
 * <p>One (N, D): the best settings are the parameters, with Student's intervals. Several: k, then p_N and p_D as far as N and D
 * vary independently, with bootstrap intervals where there are more optima than these numbers. The bootstrap draws the
 * residuals of the quadratics, scaled by the coefficients spent on them, whatever kind was asked for: three rates of which
 * one is not drawn have no curvature. Optima that scatter about their law more than these residuals explain are moved by as
 * much more ({@link Scatter}).
 */
public final class SurfaceLaw implements StagedLaw {
    /** Token counts that differ by less are one data size: they are rounded to whole batches. */
    private static final double SAME_DATA = 0.02;

    /**
     * Losses this far above the lowest, relative, still inform the optimum. Of a wider window the quadratic is no good
     * description, of a narrower one noise decides: docs/fits.md has the exponents of each.
     */
    private static final double NEAR = 0.01;

    private static final double TOLERATED_NATS = 0.01;
    private static final double COLLINEAR = 0.98;
    private static final int FEWEST_SETTINGS = 3;

    private final Quantity setting;

    private SurfaceLaw(Quantity setting) {
        this.setting = setting;
    }

    /** {@code lr-surface}: the best learning rate. */
    public static SurfaceLaw learningRate() {
        return new SurfaceLaw(Quantity.LEARNING_RATE);
    }

    /** {@code batch-surface}: the best batch. */
    public static SurfaceLaw batch() {
        return new SurfaceLaw(Quantity.B);
    }

    private Quantity other() {
        return setting == Quantity.B ? Quantity.LEARNING_RATE : Quantity.B;
    }

    private static String label(Quantity column) {
        return column == Quantity.B ? "b" : "lr";
    }

    private static String unit(Quantity column) {
        return column == Quantity.B ? "tokens" : "1";
    }

    private static String words(Quantity column) {
        return column == Quantity.B ? "batch size" : "learning rate";
    }

    @Override
    public String name() {
        return setting == Quantity.B ? "batch-surface" : "lr-surface";
    }

    @Override
    public String title() {
        return "Best " + words(setting) + " (quadratic in logarithms)";
    }

    @Override
    public String formula() {
        String x = label(setting);
        return "L = L_opt + (x - x_opt)'H(x - x_opt)/2, x = (ln " + x + ", ln " + label(other()) + "); " + x
                + "_opt = k*N^p_N*D^p_D";
    }

    @Override
    public String source() {
        return "Bi et al. 2024, arXiv 2401.02954, section 3; Porian et al. 2024, arXiv 2406.19146"
                + (setting == Quantity.B ? "; Bergsma et al. 2025 for B_opt as a power of D" : "");
    }

    @Override
    public Set<Quantity> needs() {
        return new LinkedHashSet<>(List.of(setting, Quantity.LOSS));
    }

    @Override
    public Optional<FitRefusal> refusal(Observations runs) {
        for (Quantity column : needs()) {
            if (!runs.has(column)) {
                return Optional.of(new FitRefusal(
                        FitRefusal.Reason.MISSING_COLUMN,
                        name() + " needs column " + column.described()
                                + ", which the runs do not have; name the column that holds it."));
            }
        }
        int settings = runs.distinct(setting);
        if (settings < FEWEST_SETTINGS) {
            return Optional.of(new FitRefusal(
                    FitRefusal.Reason.TOO_FEW_SIZES,
                    name() + " needs at least 3 different " + words(setting) + "s at one N and D, and the runs have "
                            + settings + "; add runs that vary it."));
        }
        return Optional.empty();
    }

    /** One (N, D) that was swept. */
    private record Sweep(double n, double d, List<Integer> rows) {
        String place() {
            return String.format(Locale.ROOT, "N=%.4g,D=%.4g", n, d);
        }

        Point point() {
            return Point.nd(n, d);
        }
    }

    /** A swept (N, D) with its optimum. */
    private record Optimum(Sweep sweep, List<Quantity> axes, double[] loss, Minimum minimum) {
        double setting() {
            return minimum.setting(0);
        }
    }

    @Override
    public FitResult fit(Observations all, FitOptions options) {
        Observations weighted = all.weighted();
        refusal(weighted).ifPresent(refused -> {
            throw refused;
        });
        Observations runs = weighted.finals();
        List<Optimum> optima = new ArrayList<>();
        List<String> problems = new ArrayList<>();
        List<Reason> reasons = new ArrayList<>();
        for (Sweep whole : sweeps(runs)) {
            List<Quantity> axes = axes(runs, whole.rows());
            Sweep sweep = nearTheBest(runs, whole, axes);
            double[] loss = pick(runs, Quantity.LOSS, sweep.rows());
            QuadraticOptimum optimum = optimum(runs, sweep.rows(), axes, loss);
            if (optimum instanceof Minimum minimum) {
                optima.add(new Optimum(sweep, axes, loss, minimum));
            } else if (optimum instanceof Missing missing) {
                problems.add(sentence(runs, sweep, axes, missing));
                reasons.add(missing.reason());
            }
        }
        if (optima.isEmpty()) {
            throw new FitRefusal(reason(reasons.get(0)), problems.get(0));
        }
        optima.sort(Comparator.comparingDouble(
                optimum -> optimum.sweep().n() * optimum.sweep().d()));
        FitResult.Builder result = FitResult.of(name(), formula())
                .response(setting)
                .data(runs.size(), runs.runs())
                .options(options)
                .convergence(Convergence.closedForm("least squares of a quadratic surface: closed form"));
        problems.forEach(result::warn);
        if (optima.size() == 1) {
            single(runs, optima.get(0), options, result);
        } else {
            several(runs, optima, options, result);
        }
        return result.build();
    }

    /**
     * The rows that inform the optimum: those whose loss is near the lowest, at least twice as many as the quadratic has
     * coefficients, and at least three settings on each axis. Far from its minimum the loss is no quadratic, and a run that
     * diverged says nothing of where the minimum lies.
     */
    private static Sweep nearTheBest(Observations runs, Sweep sweep, List<Quantity> axes) {
        List<Integer> byLoss = new ArrayList<>(sweep.rows());
        byLoss.sort(Comparator.comparingDouble(row -> runs.at(Quantity.LOSS, row)));
        double lowest = runs.at(Quantity.LOSS, byLoss.get(0));
        int fewest = 2 * (axes.size() == 1 ? 3 : 6);
        int count = 0;
        while (count < byLoss.size()
                && (count < fewest
                        || runs.at(Quantity.LOSS, byLoss.get(count)) <= lowest * (1 + NEAR)
                        || axes.stream().anyMatch(few(runs, byLoss.subList(0, count))))) {
            count++;
        }
        List<Integer> near = new ArrayList<>(byLoss.subList(0, count));
        near.sort(Comparator.naturalOrder());
        return new Sweep(sweep.n(), sweep.d(), near);
    }

    private static Predicate<Quantity> few(Observations runs, List<Integer> rows) {
        return axis -> Arrays.stream(pick(runs, axis, rows)).distinct().count() < FEWEST_SETTINGS;
    }

    private void single(Observations runs, Optimum optimum, FitOptions options, FitResult.Builder result) {
        Minimum minimum = optimum.minimum();
        List<String> names = new ArrayList<>();
        for (int axis = 0; axis < optimum.axes().size(); axis++) {
            Quantity column = optimum.axes().get(axis);
            double[] interval = minimum.interval(axis, options.confidence());
            names.add(label(column) + "_opt");
            result.parameter(
                    label(column) + "_opt",
                    new Estimate(minimum.setting(axis), interval[0], interval[1], unit(column)));
            result.derived(
                    label(column) + "_factor_within_0.01_nats",
                    Estimate.of(minimum.tolerance(axis, TOLERATED_NATS), "1"));
            result.derived("curvature_" + label(column), Estimate.of(minimum.hessian()[axis][axis], "nats"));
        }
        List<List<Optional<Minimum>>> draws = draws(runs, List.of(optimum), options, result);
        double[][] refits = draws.stream()
                .flatMap(drawn -> drawn.get(0).stream())
                .map(found -> Arrays.stream(found.logSetting()).map(Math::exp).toArray())
                .toArray(double[][]::new);
        if (refits.length < draws.size()) {
            result.warn((draws.size() - refits.length) + " of " + draws.size()
                    + " bootstrap refits have no minimum inside the settings that were tried and count for nothing; the"
                    + " intervals are optimistic by that much.");
        }
        result.derived("L_opt", Estimate.of(minimum.loss(), "nats/token"))
                .replicas(new Replicas(names, refits))
                .predictor((values, at) -> values[0])
                .identifiability(new Identifiability(
                        "One model and data size was swept: how the best settings move with size is unknown.",
                        List.of()));
    }

    private void several(Observations runs, List<Optimum> optima, FitOptions options, FitResult.Builder result) {
        double[] n = optima.stream().mapToDouble(optimum -> optimum.sweep().n()).toArray();
        double[] d = optima.stream().mapToDouble(optimum -> optimum.sweep().d()).toArray();
        List<String> powers = powers(n, d);
        List<String> names = new ArrayList<>(List.of("k"));
        names.addAll(powers);
        Regression regression = regression(powers, optima);
        Optional<LeastSquares> fitted = regression.fit();
        if (fitted.isEmpty()) {
            throw new FitRefusal(
                    FitRefusal.Reason.COLLINEAR,
                    name() + " cannot fit a law through " + optima.size() + " optima; sweep the " + words(setting)
                            + " at more sizes.");
        }
        double[] values = published(fitted.get());
        int spare = optima.size() - values.length;
        // Through as many optima as it has numbers the law passes exactly: their own noise says nothing of its form.
        double[][] refits = spare == 0
                ? new double[0][]
                : refits(powers, optima, fitted.get(), draws(runs, optima, options, result), options, result);
        for (int j = 0; j < values.length; j++) {
            int column = j;
            double[] interval = Replicas.interval(
                    Arrays.stream(refits).mapToDouble(row -> row[column]).toArray(), options.confidence());
            result.parameter(names.get(j), new Estimate(values[j], interval[0], interval[1], "1"));
        }
        if (optima.stream().map(optimum -> optimum.axes().size()).distinct().count() > 1) {
            result.warn("At some sizes the " + words(other()) + " was varied, too, and the best " + words(setting)
                    + " is that at its best " + words(other()) + "; at the others it is that at the one tried.");
        }
        List<Residual> residuals = new ArrayList<>();
        double sum = 0;
        for (Optimum optimum : optima) {
            for (int axis = 0; axis < optimum.axes().size(); axis++) {
                Quantity column = optimum.axes().get(axis);
                double[] interval = optimum.minimum().interval(axis, options.confidence());
                result.derived(
                        label(column) + "_opt[" + optimum.sweep().place() + "]",
                        new Estimate(optimum.minimum().setting(axis), interval[0], interval[1], unit(column)));
            }
            double predicted = predict(names, values, optimum.sweep().point());
            double residual = Math.log(predicted / optimum.setting());
            sum += residual * residual;
            residuals.add(new Residual(
                    optimum.sweep().place(), optimum.sweep().point(), optimum.setting(), predicted, residual));
        }
        if (options.extras() == FitOptions.Extras.PROFILES) {
            List<Profile> profiles = new ArrayList<>();
            for (int j = 0; j < names.size(); j++) {
                regression
                        .profile(
                                names.get(j),
                                j,
                                j == 0 ? Regression.Form.EXPONENTIAL : Regression.Form.PLAIN,
                                options.confidence())
                        .ifPresent(profiles::add);
            }
            result.profiles(profiles);
        }
        result.replicas(new Replicas(names, refits))
                .objective(new ObjectiveValue(Objective.MSE_LOG, options.delta(), sum, sum / optima.size()))
                .quality(new Quality(
                        Double.NaN, values.length + 1, spare > 0 ? Math.sqrt(sum / spare) : Double.NaN, Double.NaN))
                .residuals(residuals)
                .rollOut(regression.rollOut())
                .predictor((parameters, at) -> predict(names, parameters, at))
                .identifiability(new Identifiability(
                        spare == 0
                                ? untested(optima.size())
                                : powers.size() == 2
                                        ? "The optima vary N and D independently."
                                        : "The optima do not vary N and D independently: " + String.join(", ", powers)
                                                + " is the power along the sizes that were swept, not of one of them alone.",
                        List.of()));
    }

    private String untested(int optima) {
        return "Not determined: the law passes exactly through its " + optima
                + " optima, and none is left to test it; sweep the " + words(setting) + " at more sizes.";
    }

    private static double predict(List<String> names, double[] parameters, Point at) {
        double log = Math.log(parameters[0]);
        for (int j = 1; j < parameters.length; j++) {
            log += parameters[j] * Math.log(at.get(names.get(j).equals("p_N") ? Quantity.N : Quantity.D));
        }
        return Math.exp(log);
    }

    /** Optima of losses drawn anew, one of each sweep in each draw, empty where the drawn losses have none; no draws without noise. */
    private List<List<Optional<Minimum>>> draws(
            Observations runs, List<Optimum> optima, FitOptions options, FitResult.Builder result) {
        double[] pool = optima.stream()
                .filter(optimum -> optimum.minimum().degreesOfFreedom() > 0)
                .flatMapToDouble(optimum -> Arrays.stream(optimum.minimum().residuals())
                        .map(residual -> residual
                                * Math.sqrt(optimum.loss().length
                                        / (double) optimum.minimum().degreesOfFreedom())))
                .toArray();
        if (options.bootstrap() == 0) {
            return List.of();
        }
        if (pool.length == 0) {
            result.warn(
                    "No swept size has more runs than its quadratic has coefficients, so there is no telling the noise"
                            + " and no interval; add settings.");
            return List.of();
        }
        List<List<Optional<Minimum>>> draws = new ArrayList<>(Collections.nCopies(options.bootstrap(), List.of()));
        Workers.run(options.threads(), draws.size(), () -> this, (own, k) -> {
            SplittableRandom random = Bootstrap.generator(options.seed(), k);
            List<Optional<Minimum>> drawn = new ArrayList<>();
            for (Optimum optimum : optima) {
                double[] loss = new double[optimum.loss().length];
                for (int i = 0; i < loss.length; i++) {
                    loss[i] = optimum.loss()[i] - optimum.minimum().residuals()[i] + pool[random.nextInt(pool.length)];
                }
                drawn.add(
                        own.optimum(runs, optimum.sweep().rows(), optimum.axes(), loss) instanceof Minimum found
                                ? Optional.of(found)
                                : Optional.empty());
            }
            draws.set(k, drawn);
        });
        return draws;
    }

    /** The law of each draw's optima; a sweep that has none in a draw is left out of it. */
    private static double[][] refits(
            List<String> powers,
            List<Optimum> optima,
            LeastSquares fitted,
            List<List<Optional<Minimum>>> draws,
            FitOptions options,
            FitResult.Builder result) {
        long missing = draws.stream()
                .filter(drawn -> drawn.stream().anyMatch(Optional::isEmpty))
                .count();
        if (10 * missing > draws.size()) {
            int worst = IntStream.range(0, optima.size())
                    .boxed()
                    .max(Comparator.comparingLong(i -> missing(draws, i)))
                    .orElseThrow();
            result.warn(String.format(
                    Locale.ROOT,
                    "In %d of %d bootstrap refits some size has no minimum inside the settings that were tried and is left"
                            + " out, most often %s (%d); add settings around its best.",
                    missing,
                    draws.size(),
                    optima.get(worst).sweep().place(),
                    missing(draws, worst)));
        }
        Scatter scatter = Scatter.of(
                fitted.residuals(),
                fitted.coefficients().length,
                optima.stream()
                        .mapToDouble(optimum -> optimum.minimum().logSetting()[0])
                        .toArray(),
                draws.stream()
                        .map(drawn -> drawn.stream()
                                .mapToDouble(found -> found.map(minimum -> minimum.logSetting()[0])
                                        .orElse(Double.NaN))
                                .toArray())
                        .toList());
        List<double[]> rows = new ArrayList<>();
        for (int k = 0; k < draws.size(); k++) {
            SplittableRandom random = Bootstrap.generator(options.seed(), draws.size() + k);
            double spread = scatter.draw(random);
            List<Sweep> sweeps = new ArrayList<>();
            List<Double> settings = new ArrayList<>();
            for (int i = 0; i < optima.size(); i++) {
                double moved = spread * random.nextGaussian();
                Optional<Minimum> found = draws.get(k).get(i);
                if (found.isPresent()) {
                    sweeps.add(optima.get(i).sweep());
                    settings.add(Math.exp(found.get().logSetting()[0] + moved));
                }
            }
            if (sweeps.size() > powers.size()) {
                regression(powers, sweeps, settings)
                        .fit()
                        .map(SurfaceLaw::published)
                        .ifPresent(rows::add);
            }
        }
        return rows.toArray(double[][]::new);
    }

    private static long missing(List<List<Optional<Minimum>>> draws, int sweep) {
        return draws.stream().filter(drawn -> drawn.get(sweep).isEmpty()).count();
    }

    private static Regression regression(List<String> powers, List<Optimum> optima) {
        return regression(
                powers,
                optima.stream().map(Optimum::sweep).toList(),
                optima.stream().map(Optimum::setting).toList());
    }

    private static Regression regression(List<String> powers, List<Sweep> sweeps, List<Double> settings) {
        double[][] design = new double[sweeps.size()][1 + powers.size()];
        double[] ones = new double[sweeps.size()];
        for (int i = 0; i < design.length; i++) {
            Sweep sweep = sweeps.get(i);
            design[i][0] = 1;
            ones[i] = 1;
            for (int j = 0; j < powers.size(); j++) {
                design[i][1 + j] = Math.log(powers.get(j).equals("p_N") ? sweep.n() : sweep.d());
            }
        }
        return new Regression(
                sweeps.stream().map(Sweep::place).toList(),
                sweeps.stream().map(Sweep::point).toList(),
                design,
                settings.stream().mapToDouble(Double::doubleValue).toArray(),
                ones);
    }

    private static double[] published(LeastSquares fit) {
        double[] values = fit.coefficients().clone();
        values[0] = Math.exp(values[0]);
        return values;
    }

    /** Which of N and D vary among the optima. */
    private static List<String> powers(double[] n, double[] d) {
        boolean byN = spread(n) > 0.05;
        boolean byD = spread(d) > 0.05;
        if (byN && byD && (n.length < 4 || Math.abs(Correlation.ofLogs(n, d)) > COLLINEAR)) {
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

    private static double spread(double[] values) {
        return Math.log(Arrays.stream(values).max().orElseThrow()
                / Arrays.stream(values).min().orElseThrow());
    }

    /** The setting asked for, and the other where it varies enough. */
    private List<Quantity> axes(Observations runs, List<Integer> rows) {
        boolean both = runs.has(other())
                && Arrays.stream(pick(runs, other(), rows)).distinct().count() >= FEWEST_SETTINGS;
        return both ? List.of(setting, other()) : List.of(setting);
    }

    private QuadraticOptimum optimum(Observations runs, List<Integer> rows, List<Quantity> axes, double[] loss) {
        double[] weights = runs.weights();
        return QuadraticOptimum.fit(
                axes.stream().map(axis -> pick(runs, axis, rows)).toArray(double[][]::new),
                loss,
                rows.stream().mapToDouble(row -> weights[row]).toArray());
    }

    private static double[] pick(Observations runs, Quantity column, List<Integer> rows) {
        return rows.stream().mapToDouble(row -> runs.at(column, row)).toArray();
    }

    private static List<Sweep> sweeps(Observations runs) {
        Map<List<Long>, Sweep> sweeps = new LinkedHashMap<>();
        IntStream.range(0, runs.size()).forEach(row -> {
            double n = runs.has(Quantity.N) ? runs.at(Quantity.N, row) : 1;
            double d = runs.has(Quantity.D) ? runs.at(Quantity.D, row) : 1;
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

    private static String sentence(Observations runs, Sweep sweep, List<Quantity> axes, Missing missing) {
        Quantity column = axes.get(Math.max(0, missing.axis()));
        String axis = words(column);
        double[] settings = pick(runs, column, sweep.rows());
        String problem =
                switch (missing.reason()) {
                    case TOO_FEW_POINTS ->
                        sweep.rows().size() + " runs are fewer than the quadratic has coefficients; add settings.";
                    case COLLINEAR ->
                        "the settings do not span a quadratic (3 values on each axis, varied independently, are"
                                + " needed).";
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
