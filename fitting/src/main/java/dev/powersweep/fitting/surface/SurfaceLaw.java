package dev.powersweep.fitting.surface;

import dev.powersweep.fitting.law.StagedLaw;
import dev.powersweep.fitting.linear.LeastSquares;
import dev.powersweep.fitting.optimise.Objective;
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
import dev.powersweep.fitting.runs.Quantity;
import dev.powersweep.fitting.surface.QuadraticOptimum.Minimum;
import dev.powersweep.fitting.surface.QuadraticOptimum.Missing;
import dev.powersweep.fitting.surface.QuadraticOptimum.Reason;
import dev.powersweep.fitting.uncertainty.Regression;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.Comparator;
import java.util.LinkedHashSet;
import java.util.List;
import java.util.Locale;
import java.util.Optional;
import java.util.Set;

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
 * much more ({@link SurfaceRefits}).
 */
public final class SurfaceLaw implements StagedLaw {
    private static final double TOLERATED_NATS = 0.01;

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
        if (settings < SettingSweep.FEWEST_SETTINGS) {
            return Optional.of(new FitRefusal(
                    FitRefusal.Reason.TOO_FEW_SIZES,
                    name() + " needs at least 3 different " + words(setting) + "s at one N and D, and the runs have "
                            + settings + "; add runs that vary it."));
        }
        return Optional.empty();
    }

    @Override
    public FitResult fit(Observations all, FitOptions options) {
        Observations weighted = all.weighted();
        refusal(weighted).ifPresent(refused -> {
            throw refused;
        });
        Observations runs = weighted.finals();
        List<SweptOptimum> optima = new ArrayList<>();
        List<String> problems = new ArrayList<>();
        List<Reason> reasons = new ArrayList<>();
        for (SettingSweep whole : SettingSweep.of(runs)) {
            List<Quantity> axes = axes(runs, whole);
            SettingSweep sweep = whole.nearTheBest(runs, axes);
            double[] loss = sweep.values(runs, Quantity.LOSS);
            QuadraticOptimum optimum = sweep.quadratic(runs, axes, loss);
            if (optimum instanceof Minimum minimum) {
                optima.add(new SweptOptimum(sweep, axes, loss, minimum));
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

    private void single(Observations runs, SweptOptimum optimum, FitOptions options, FitResult.Builder result) {
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
        List<List<Optional<Minimum>>> draws = new SurfaceRefits(runs, List.of(optimum), options, result).draws();
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

    private void several(Observations runs, List<SweptOptimum> optima, FitOptions options, FitResult.Builder result) {
        double[] n = optima.stream().mapToDouble(optimum -> optimum.sweep().n()).toArray();
        double[] d = optima.stream().mapToDouble(optimum -> optimum.sweep().d()).toArray();
        SettingPower power = SettingPower.of(n, d);
        List<String> names = power.names();
        Regression regression = power.regression(
                optima.stream().map(SweptOptimum::sweep).toList(),
                optima.stream().map(SweptOptimum::setting).toList());
        Optional<LeastSquares> fitted = regression.fit();
        if (fitted.isEmpty()) {
            throw new FitRefusal(
                    FitRefusal.Reason.COLLINEAR,
                    name() + " cannot fit a law through " + optima.size() + " optima; sweep the " + words(setting)
                            + " at more sizes.");
        }
        double[] values = SettingPower.published(fitted.get());
        int spare = optima.size() - values.length;
        // Through as many optima as it has numbers the law passes exactly: their own noise says nothing of its form.
        double[][] refits = spare == 0
                ? new double[0][]
                : new SurfaceRefits(runs, optima, options, result).laws(power, fitted.get());
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
        for (SweptOptimum optimum : optima) {
            for (int axis = 0; axis < optimum.axes().size(); axis++) {
                Quantity column = optimum.axes().get(axis);
                double[] interval = optimum.minimum().interval(axis, options.confidence());
                result.derived(
                        label(column) + "_opt[" + optimum.sweep().place() + "]",
                        new Estimate(optimum.minimum().setting(axis), interval[0], interval[1], unit(column)));
            }
            double predicted = power.predict(values, optimum.sweep().point());
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
                .predictor((parameters, at) -> power.predict(parameters, at))
                .identifiability(new Identifiability(
                        spare == 0
                                ? untested(optima.size())
                                : power.powers().size() == 2
                                        ? "The optima vary N and D independently."
                                        : "The optima do not vary N and D independently: "
                                                + String.join(", ", power.powers())
                                                + " is the power along the sizes that were swept, not of one of them alone.",
                        List.of()));
    }

    private String untested(int optima) {
        return "Not determined: the law passes exactly through its " + optima
                + " optima, and none is left to test it; sweep the " + words(setting) + " at more sizes.";
    }

    /** The setting asked for, and the other where it varies enough. */
    private List<Quantity> axes(Observations runs, SettingSweep sweep) {
        boolean both = runs.has(other())
                && Arrays.stream(sweep.values(runs, other())).distinct().count() >= SettingSweep.FEWEST_SETTINGS;
        return both ? List.of(setting, other()) : List.of(setting);
    }

    private static FitRefusal.Reason reason(Reason reason) {
        return switch (reason) {
            case TOO_FEW_POINTS -> FitRefusal.Reason.TOO_FEW_POINTS;
            case COLLINEAR -> FitRefusal.Reason.COLLINEAR;
            case NOT_CONVEX -> FitRefusal.Reason.NO_INTERIOR_MINIMUM;
            case LOWER_EDGE, UPPER_EDGE -> FitRefusal.Reason.EDGE_MINIMUM;
        };
    }

    private static String sentence(Observations runs, SettingSweep sweep, List<Quantity> axes, Missing missing) {
        Quantity column = axes.get(Math.max(0, missing.axis()));
        String axis = words(column);
        double[] settings = sweep.values(runs, column);
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
