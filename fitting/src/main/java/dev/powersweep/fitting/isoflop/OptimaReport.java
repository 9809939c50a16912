package dev.powersweep.fitting.isoflop;

import dev.powersweep.fitting.isoflop.IsoFlopMinimum.Found;
import dev.powersweep.fitting.law.Parameter;
import dev.powersweep.fitting.linear.PowerLaw;
import dev.powersweep.fitting.optimise.Objective;
import dev.powersweep.fitting.result.Estimate;
import dev.powersweep.fitting.result.FitOptions;
import dev.powersweep.fitting.result.FitResult;
import dev.powersweep.fitting.result.HoldOut;
import dev.powersweep.fitting.result.ObjectiveValue;
import dev.powersweep.fitting.result.Predictor;
import dev.powersweep.fitting.result.Profile;
import dev.powersweep.fitting.result.Quality;
import dev.powersweep.fitting.result.Replicas;
import dev.powersweep.fitting.result.Residual;
import dev.powersweep.fitting.runs.Point;
import dev.powersweep.fitting.runs.Quantity;
import dev.powersweep.fitting.uncertainty.Regression;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Locale;
import java.util.function.ToDoubleFunction;

/** Turns power laws through optima into the common form of a fit: parameters, intervals, residuals, hold-out. */
final class OptimaReport {
    /** In the order of {@link FitResult#parameters()}. */
    static final List<Parameter> PARAMETERS = List.of(
            new Parameter("k_N", "parameters/FLOPs^a"),
            new Parameter("a", "1"),
            new Parameter("k_D", "tokens/FLOPs^b"),
            new Parameter("b", "1"),
            new Parameter("k_L", "nats/token·FLOPs^c"),
            new Parameter("c", "1"));

    private OptimaReport() {}

    /** The parameters as one vector. */
    static double[] values(OptimaFit fit) {
        return new double[] {
            fit.n().coefficient(),
            fit.n().exponent(),
            fit.d().coefficient(),
            fit.d().exponent(),
            fit.loss().coefficient(),
            -fit.loss().exponent()
        };
    }

    /** N_opt at a point's C. */
    static Predictor predictor() {
        return (values, at) -> values[0] * Math.pow(at.get(Quantity.C), values[1]);
    }

    /**
     * Starts the report.
     *
     * @param replicas one row per refit, as {@link #values}; rows of NaN where a refit failed
     */
    static FitResult.Builder start(String law, String formula, OptimaFit fit, double[][] replicas, FitOptions options) {
        return start(law, formula, fit, replicas, options, PARAMETERS);
    }

    /** Starts the report with the first few parameters only. */
    static FitResult.Builder start(
            String law,
            String formula,
            OptimaFit fit,
            double[][] replicas,
            FitOptions options,
            List<Parameter> parameters) {
        FitResult.Builder builder =
                FitResult.of(law, formula).response(Quantity.N).options(options);
        double[] values = values(fit);
        double[][] kept = kept(replicas, parameters.size());
        for (int j = 0; j < parameters.size(); j++) {
            int column = j;
            double[] numbers =
                    Arrays.stream(kept).mapToDouble(row -> row[column]).toArray();
            double[] interval = Replicas.interval(numbers, options.confidence());
            builder.parameter(
                    parameters.get(j).name(),
                    new Estimate(
                            values[j],
                            interval[0],
                            interval[1],
                            parameters.get(j).unit()));
        }
        List<Residual> residuals = residuals(fit.optima(), fit.n());
        double sum = 0;
        for (int i = 0; i < residuals.size(); i++) {
            sum += fit.optima().get(i).weight() * Math.pow(residuals.get(i).residual(), 2);
        }
        int count = fit.optima().size();
        builder.objective(new ObjectiveValue(Objective.MSE_LOG, options.delta(), sum, sum / count))
                .residuals(residuals)
                .quality(new Quality(
                        aicc(sum, count),
                        3,
                        fit.n().logResidualDeviation(),
                        fit.n().rSquared()))
                .rollOut(rollOut(fit.optima()))
                .profiles(
                        options.extras() == FitOptions.Extras.PROFILES
                                ? profiles(fit.optima(), parameters, options)
                                : List.of())
                .replicas(new Replicas(parameters.stream().map(Parameter::name).toList(), kept))
                .predictor(predictor());
        if (replicas.length > kept.length) {
            builder.warn(String.format(
                    Locale.ROOT,
                    "%d of %d bootstrap refits drew fewer than two budgets with a usable optimum and count for nothing;"
                            + " the intervals are optimistic by that much.",
                    replicas.length - kept.length,
                    replicas.length));
        }
        return builder;
    }

    /** One residual of ln N per optimum. */
    static List<Residual> residuals(List<Found> optima, PowerLaw law) {
        List<Residual> residuals = new ArrayList<>();
        for (Found found : optima) {
            double predicted = law.at(found.flops());
            residuals.add(new Residual(
                    budgetName(found.flops()),
                    Point.of(Quantity.C, found.flops()),
                    found.n(),
                    predicted,
                    Math.log(predicted / found.n())));
        }
        return residuals;
    }

    private static double[][] kept(double[][] replicas, int parameters) {
        return Arrays.stream(replicas)
                .filter(row -> !Double.isNaN(row[0]))
                .map(row -> Arrays.copyOf(row, parameters))
                .toArray(double[][]::new);
    }

    private static double aicc(double sum, int n) {
        return n < 5 ? Double.NaN : n * Math.log(sum / n) + 6 + 24.0 / (n - 4);
    }

    /** The optima as a regression of one of their quantities on the budget, by increasing budget. */
    static Regression regression(List<Found> optima, ToDoubleFunction<Found> quantity) {
        return new Regression(
                optima.stream()
                        .map(found -> "the budget of " + budgetName(found.flops()))
                        .toList(),
                optima.stream()
                        .map(found -> Point.of(Quantity.C, found.flops()))
                        .toList(),
                optima.stream()
                        .map(found -> new double[] {1, Math.log(found.flops())})
                        .toArray(double[][]::new),
                optima.stream().mapToDouble(quantity).toArray(),
                optima.stream().mapToDouble(Found::weight).toArray());
    }

    /** Fits without the largest budgets and predicts the optimal size at the next. */
    static List<HoldOut> rollOut(List<Found> optima) {
        return regression(optima, Found::n).rollOut();
    }

    /** Profiles of the first so many parameters, from the scatter of the optima about each power law. */
    static List<Profile> profiles(List<Found> optima, List<Parameter> parameters, FitOptions options) {
        List<Profile> profiles = new ArrayList<>();
        List<ToDoubleFunction<Found>> quantities = List.of(Found::n, Found::d, Found::loss);
        for (int q = 0; 2 * q + 1 < parameters.size(); q++) {
            Regression line = regression(optima, quantities.get(q));
            line.profile(parameters.get(2 * q).name(), 0, Regression.Form.EXPONENTIAL, options.confidence())
                    .ifPresent(profiles::add);
            line.profile(
                            parameters.get(2 * q + 1).name(),
                            1,
                            q == 2 ? Regression.Form.NEGATED : Regression.Form.PLAIN,
                            options.confidence())
                    .ifPresent(profiles::add);
        }
        return profiles;
    }

    static String budgetName(double flops) {
        return String.format(Locale.ROOT, "%.3g FLOPs", flops);
    }
}
