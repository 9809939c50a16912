package dev.powersweep.fitting.isoflop;

import dev.powersweep.fitting.isoflop.IsoFlopMinimum.Found;
import dev.powersweep.fitting.isoflop.IsoFlopMinimum.Reason;
import dev.powersweep.fitting.isoflop.IsoFlopMinimum.Rejected;
import dev.powersweep.fitting.law.Chinchilla;
import dev.powersweep.fitting.law.StagedLaw;
import dev.powersweep.fitting.optimise.Workers;
import dev.powersweep.fitting.result.Convergence;
import dev.powersweep.fitting.result.Estimate;
import dev.powersweep.fitting.result.FitOptions;
import dev.powersweep.fitting.result.FitResult;
import dev.powersweep.fitting.result.Identifiability;
import dev.powersweep.fitting.result.Replicas;
import dev.powersweep.fitting.result.Residual;
import dev.powersweep.fitting.runs.FitRefusal;
import dev.powersweep.fitting.runs.Observations;
import dev.powersweep.fitting.runs.Point;
import dev.powersweep.fitting.runs.Quantity;
import dev.powersweep.fitting.uncertainty.Bootstrap;
import dev.powersweep.fitting.uncertainty.ParametricFit;
import dev.powersweep.fitting.uncertainty.Scatter;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.Collections;
import java.util.LinkedHashSet;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.Optional;
import java.util.OptionalDouble;
import java.util.Set;
import java.util.SplittableRandom;
import java.util.TreeMap;
import java.util.stream.Collectors;
import java.util.stream.IntStream;

/**
 * Approach 2 of Hoffmann et al. 2022 (section 3.2): at every compute budget the model size of lowest loss, and power laws
 * N_opt = k_N·C^a, D_opt = k_D·C^b, L = k_L·C^(−c) through them. C in FLOPs, N in parameters, D in tokens, L in nats.
 *
 * <p>{@code isoflop} finds minima by an Akima spline of ln L on ln N on a grid, as Porian et al. 2024; {@code
 * isoflop-parabola} by a parabola of L on ln N, as Hoffmann et al. Minima at the edge of a budget's sizes are rejected. Both
 * state the exponent that the other ways would give and their own bias on the noise-free design at ten times the largest
 * budget ({@link MinimumBias}; the surface is approach 3 fitted to the same runs).
 *
 * <p>Intervals are quantiles of refits to losses drawn anew; where the minima scatter about their law more than that
 * explains, they are moved by as much more ({@link Scatter}).
 *
 * <p>Of runs with several records the last is read. Budgets that differ by up to 2 % are one budget. A run of weight zero is
 * left out; the weight of a budget in the power laws is the mean weight of its runs, and the parabola weighs each run.
 */
public final class IsoFlopLaw implements StagedLaw {
    private static final double EXTRAPOLATION = 10;
    private static final double NOTEWORTHY_BIAS = 0.01;

    /** So many rejected budgets are told one by one. */
    private static final int FEW = 3;

    private final String name;
    private final MinimumMethod method;

    private IsoFlopLaw(String name, MinimumMethod method) {
        this.name = name;
        this.method = method;
    }

    /** {@code isoflop}: minima by spline. */
    public static IsoFlopLaw spline() {
        return new IsoFlopLaw("isoflop", MinimumMethod.SPLINE_GRID);
    }

    /** {@code isoflop-parabola}: minima by parabola. */
    public static IsoFlopLaw parabola() {
        return new IsoFlopLaw("isoflop-parabola", MinimumMethod.PARABOLA);
    }

    @Override
    public String name() {
        return name;
    }

    @Override
    public String title() {
        return "Hoffmann et al. 2022, approach 2 (IsoFLOP minima by "
                + (method == MinimumMethod.PARABOLA ? "parabola)" : "Akima spline)");
    }

    @Override
    public String formula() {
        return "N_opt(C) = k_N*C^a, D_opt(C) = k_D*C^b, L_opt(C) = k_L*C^(-c)";
    }

    @Override
    public String source() {
        return method == MinimumMethod.PARABOLA
                ? "Hoffmann et al. 2022, arXiv 2203.15556, section 3.2"
                : "Porian et al. 2024, arXiv 2406.19146, section 3";
    }

    @Override
    public Set<Quantity> needs() {
        return new LinkedHashSet<>(List.of(Quantity.C, Quantity.N, Quantity.LOSS));
    }

    @Override
    public Optional<FitRefusal> refusal(Observations runs) {
        for (Quantity column : needs()) {
            if (!runs.has(column)) {
                return Optional.of(new FitRefusal(
                        FitRefusal.Reason.MISSING_COLUMN,
                        name + " needs column " + column.described()
                                + ", which the runs do not have; name the column that holds it."));
            }
        }
        List<IsoFlopCurve> curves = curves(runs);
        long usable = curves.stream().filter(curve -> curve.sizes() >= 3).count();
        if (usable < 2) {
            return Optional.of(new FitRefusal(
                    FitRefusal.Reason.TOO_FEW_SIZES,
                    String.format(
                            Locale.ROOT,
                            "%s needs at least 2 compute budgets with 3 model sizes each, and the %d runs fall into %d"
                                    + " budgets (equal to 2 %%) of which %d have 3 sizes; train several sizes at equal"
                                    + " 6·N·D, or fit chinchilla instead.",
                            name,
                            runs.finals().size(),
                            curves.size(),
                            usable)));
        }
        return Optional.empty();
    }

    @Override
    public FitResult fit(Observations runs, FitOptions options) {
        refusal(runs).ifPresent(refused -> {
            throw refused;
        });
        Observations finals = runs.finals();
        List<IsoFlopCurve> curves = curves(runs);
        OptimaFit fit = OptimaFit.of(curves, method).orElseThrow(() -> noMinimum(curves));
        double[][] replicas = replicas(curves, fit, options);
        FitResult.Builder result = OptimaReport.start(name, formula(), fit, replicas, options)
                .data(finals.size(), finals.runs())
                .convergence(Convergence.closedForm("minima of "
                        + (method == MinimumMethod.PARABOLA ? "parabolas" : "splines on a grid")
                        + ", then least squares: closed form"))
                .identifiability(new Identifiability(verdict(fit), List.of()));
        for (MinimumMethod other : MinimumMethod.values()) {
            if (other != method) {
                OptimaFit.of(curves, other)
                        .ifPresent(by -> result.derived(
                                "a_" + other.name().toLowerCase(Locale.ROOT),
                                Estimate.of(by.n().exponent(), "1")));
            }
        }
        Found largest = fit.optima().get(fit.optima().size() - 1);
        double[] perParameter = Arrays.stream(replicas)
                .mapToDouble(row -> row[2] / row[0] * Math.pow(largest.flops(), row[3] - row[1]))
                .toArray();
        double[] interval = Replicas.interval(perParameter, options.confidence());
        result.derived(
                "tokens_per_parameter",
                new Estimate(
                        fit.d().at(largest.flops()) / fit.n().at(largest.flops()), interval[0], interval[1], "tokens"));
        bias(finals, curves, options, EXTRAPOLATION * largest.flops(), result);
        rejections(fit).forEach(result::warn);
        if (fit.optima().size() < 4) {
            result.warn("Only " + fit.optima().size()
                    + " budgets have an interior minimum: the exponents rest on very few points.");
        }
        return result.build();
    }

    private static List<IsoFlopCurve> curves(Observations runs) {
        Observations finals = runs.finals();
        double[] flops = finals.column(Quantity.C);
        double[] n = finals.column(Quantity.N);
        double[] d = new double[flops.length];
        if (finals.has(Quantity.D)) {
            d = finals.column(Quantity.D);
        } else {
            for (int i = 0; i < d.length; i++) {
                d[i] = flops[i] / (6 * n[i]);
            }
        }
        return IsoFlopCurve.group(
                flops, n, d, finals.column(Quantity.LOSS), finals.weights(), IsoFlopCurve.DEFAULT_TOLERANCE);
    }

    private FitRefusal noMinimum(List<IsoFlopCurve> curves) {
        List<Rejected> rejected = curves.stream()
                .map(method::minimum)
                .filter(Rejected.class::isInstance)
                .map(Rejected.class::cast)
                .filter(minimum -> minimum.reason() != Reason.TOO_FEW_SIZES)
                .toList();
        boolean edges = rejected.stream().noneMatch(minimum -> minimum.reason() == Reason.NOT_CONVEX);
        return new FitRefusal(
                edges ? FitRefusal.Reason.EDGE_MINIMUM : FitRefusal.Reason.NO_INTERIOR_MINIMUM,
                name + " needs at least 2 budgets whose best size lies between others. "
                        + rejected.get(0).detail()
                        + (rejected.size() > 1 ? " (" + (rejected.size() - 1) + " more budgets likewise.)" : ""));
    }

    private double[][] replicas(List<IsoFlopCurve> curves, OptimaFit fit, FitOptions options) {
        OptionalDouble noise = LossNoise.logDeviation(curves);
        if (options.bootstrap() > 0 && options.resampling() != FitOptions.Resampling.RUNS && noise.isEmpty()) {
            throw new FitRefusal(
                    FitRefusal.Reason.TOO_FEW_SIZES,
                    name + " cannot tell the noise of the losses without a budget of 5 sizes;"
                            + " bootstrap by runs instead, or add sizes.");
        }
        IsoFlopResampling resampling = new IsoFlopResampling(curves, options.resampling(), noise.orElse(0));
        List<List<? extends IsoFlopMinimum>> draws =
                new ArrayList<>(Collections.nCopies(options.bootstrap(), List.<IsoFlopMinimum>of()));
        Workers.run(
                options.threads(),
                draws.size(),
                () -> this,
                (self, k) -> draws.set(
                        k,
                        resampling.draw(Bootstrap.generator(options.seed(), k)).stream()
                                .map(method::minimum)
                                .toList()));
        Scatter scatter = scatter(curves, fit, draws);
        return IntStream.range(0, draws.size())
                .mapToObj(k -> {
                    SplittableRandom random = Bootstrap.generator(options.seed(), draws.size() + k);
                    double spread = scatter.draw(random);
                    return OptimaFit.through(draws.get(k).stream()
                                    .map(minimum -> moved(minimum, Math.exp(spread * random.nextGaussian())))
                                    .toList())
                            .map(OptimaReport::values)
                            .orElseGet(IsoFlopLaw::failed);
                })
                .toArray(double[][]::new);
    }

    /** Of ln N_opt about its law. */
    private static Scatter scatter(
            List<IsoFlopCurve> curves, OptimaFit fit, List<List<? extends IsoFlopMinimum>> draws) {
        // Curves and the minima of a draw have one order, of which the accepted optima are a part.
        int[] budgets = fit.optima().stream()
                .mapToInt(optimum -> IntStream.range(0, curves.size())
                        .filter(i -> curves.get(i).flops() == optimum.flops())
                        .findFirst()
                        .orElseThrow())
                .toArray();
        return Scatter.of(
                OptimaReport.residuals(fit.optima(), fit.n()).stream()
                        .mapToDouble(Residual::residual)
                        .toArray(),
                2,
                fit.optima().stream().mapToDouble(found -> Math.log(found.n())).toArray(),
                draws.stream()
                        .map(minima -> Arrays.stream(budgets)
                                .mapToDouble(
                                        i -> minima.get(i) instanceof Found found ? Math.log(found.n()) : Double.NaN)
                                .toArray())
                        .toList());
    }

    /** At the same budget more parameters are fewer tokens; the loss, flat at its minimum, is left. */
    private static IsoFlopMinimum moved(IsoFlopMinimum minimum, double factor) {
        return minimum instanceof Found found
                ? new Found(found.flops(), found.n() * factor, found.d() / factor, found.loss(), found.weight())
                : minimum;
    }

    static double[] failed() {
        double[] row = new double[OptimaReport.PARAMETERS.size()];
        Arrays.fill(row, Double.NaN);
        return row;
    }

    /** Few rejected budgets one by one, many by their number. */
    private static List<String> rejections(OptimaFit fit) {
        if (fit.rejected().size() <= FEW) {
            return fit.rejected().stream().map(Rejected::detail).toList();
        }
        Map<Reason, List<Rejected>> byReason = fit.rejected().stream()
                .collect(Collectors.groupingBy(Rejected::reason, TreeMap::new, Collectors.toList()));
        int budgets = fit.optima().size() + fit.rejected().size();
        return byReason.entrySet().stream()
                .map(entry -> String.format(
                        Locale.ROOT,
                        "%d of %d budgets are left out because %s; the first of them: %s",
                        entry.getValue().size(),
                        budgets,
                        entry.getKey().words(),
                        entry.getValue().get(0).detail()))
                .toList();
    }

    private static String verdict(OptimaFit fit) {
        return String.format(
                Locale.ROOT,
                "%d of %d budgets have an interior minimum, from %.3g to %.3g FLOPs.",
                fit.optima().size(),
                fit.optima().size() + fit.rejected().size(),
                fit.optima().get(0).flops(),
                fit.optima().get(fit.optima().size() - 1).flops());
    }

    /** The bias needs a surface; where approach 3 cannot be fitted to the runs, none is stated. */
    private void bias(
            Observations finals,
            List<IsoFlopCurve> curves,
            FitOptions options,
            double target,
            FitResult.Builder result) {
        FitResult surface;
        try {
            surface = ParametricFit.fit(
                    new Chinchilla(), finals, options.bootstrap(0).plain());
        } catch (FitRefusal refused) {
            result.warn("The bias of the minima could not be simulated, because approach 3 cannot be fitted: "
                    + refused.sentence());
            return;
        }
        double[] values = surface.values();
        MinimumBias.simulate((n, d) -> surface.predictor().at(values, Point.nd(n, d)), curves, method, target)
                .ifPresent(bias -> {
                    result.derived("bias_a", Estimate.of(bias.exponentError(), "1"));
                    result.derived("bias_N_at_10x", Estimate.of(bias.relativeErrorN(), "1"));
                    result.derived("bias_D_at_10x", Estimate.of(bias.relativeErrorD(), "1"));
                    if (Math.abs(bias.relativeErrorD()) > NOTEWORTHY_BIAS
                            || Math.abs(bias.relativeErrorN()) > NOTEWORTHY_BIAS) {
                        result.warn(String.format(
                                Locale.ROOT,
                                "On this grid the %s itself errs without any noise: by %+.3f in a, and at %.3g FLOPs by"
                                        + " %+.1f %% in N_opt and %+.1f %% in D_opt (simulated on the approach-3 surface"
                                        + " of these runs).",
                                method == MinimumMethod.PARABOLA ? "parabola" : "spline",
                                bias.exponentError(),
                                target,
                                100 * bias.relativeErrorN(),
                                100 * bias.relativeErrorD()));
                    }
                });
    }
}
