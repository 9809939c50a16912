package dev.powersweep.fitting.allocation;

import dev.powersweep.fitting.result.Estimate;
import dev.powersweep.fitting.result.FitResult;
import dev.powersweep.fitting.result.Replicas;
import dev.powersweep.fitting.runs.FitRefusal;
import dev.powersweep.fitting.runs.Point;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.Comparator;
import java.util.List;
import java.util.Optional;
import java.util.function.ToDoubleFunction;
import java.util.stream.IntStream;

/**
 * Divides a budget by a fit: compute-optimal N and D under C = 6·N·D, batch, steps and learning rate, predicted loss, what
 * further compute would gain, and how the answer moves over the uncertainty of the exponents. Intervals come from the fit's
 * bootstrap refits and are NaN without them.
 */
public final class Planner {
    /** Budgets whose gain is stated: doublings from the plan's own. */
    private static final int DOUBLINGS = 3;
    /** Share of the refits that stands for an end of the exponent's interval. */
    private static final double BAND = 0.05;

    /** FLOPs from which the search for a goal's budget starts. */
    private static final double FIRST_GUESS = 1e18;

    private final FitResult fit;
    private final OptimalFrontier frontier;
    private Optional<BatchChoice> batch = Optional.empty();
    private Optional<FitResult> learningRate = Optional.empty();
    private Optional<Accelerator> rates = Optional.empty();
    private int accelerators = 1;

    /**
     * Plans from a fit of a law in N and D, or of optima.
     *
     * @throws FitRefusal BAD_OPTION when the law cannot divide a budget
     */
    public Planner(FitResult fit) {
        this.fit = fit;
        this.frontier = OptimalFrontier.of(fit);
    }

    /** Chooses the batch too. */
    public Planner batch(BatchChoice choice) {
        batch = Optional.of(choice);
        return this;
    }

    /** Chooses the learning rate by a fit of lr-surface. */
    public Planner learningRate(FitResult surface) {
        learningRate = Optional.of(surface);
        return this;
    }

    /** Counts time, energy and money. */
    public Planner rates(Accelerator known, int count) {
        rates = Optional.of(known);
        accelerators = count;
        return this;
    }

    /**
     * Makes the plan.
     *
     * @throws FitRefusal BAD_OPTION when the goal is out of the fit's reach
     */
    public Plan plan(Goal goal) {
        Optimum best = frontier.reach(fit.values(), goal, FIRST_GUESS);
        List<double[]> refits = new ArrayList<>();
        List<Optimum> drawn = new ArrayList<>();
        int lost = 0;
        for (double[] refit : fit.replicas().values()) {
            try {
                drawn.add(frontier.reach(refit, goal, best.flops()));
                refits.add(refit);
            } catch (FitRefusal unreachable) {
                lost++;
            }
        }
        List<String> warnings = new ArrayList<>(warnings(best, lost));
        Optional<Estimate> batches = Optional.empty();
        Optional<Estimate> steps = Optional.empty();
        if (batch.isPresent()) {
            double[] chosen = batch.get().batches(best.n(), best.d(), best.loss());
            batches = Optional.of(estimate(chosen[0], Arrays.copyOfRange(chosen, 1, chosen.length), "tokens"));
            steps = Optional.of(estimate(
                    best.d() / chosen[0],
                    Arrays.stream(chosen).skip(1).map(b -> best.d() / b).toArray(),
                    "steps"));
        }
        RecommendedRate rate = rate(best, warnings);
        return new Plan(
                goal,
                fit.law(),
                of(best, drawn, Optimum::flops, "FLOPs"),
                of(best, drawn, Optimum::n, "parameters"),
                of(best, drawn, Optimum::d, "tokens"),
                of(best, drawn, optimum -> optimum.d() / optimum.n(), "tokens/parameter"),
                of(best, drawn, Optimum::loss, "nats/token"),
                batches,
                steps,
                rate,
                rates.map(known -> known.cost(best.flops(), accelerators)),
                gains(best.flops(), refits),
                sensitivity(best, refits, drawn),
                regret(best, refits),
                Extrapolation.of(fit, best),
                warnings);
    }

    private List<String> warnings(Optimum best, int lost) {
        List<String> warnings = new ArrayList<>();
        Extrapolation.of(fit, best).forEach(outside -> warnings.add(outside.sentence()));
        if (lost > 0) {
            warnings.add(lost + " of " + fit.replicas().size() + " bootstrap refits cannot reach the goal at all;"
                    + " the intervals leave them out.");
        }
        if (fit.replicas().size() == 0) {
            warnings.add("The fit has no bootstrap refits, so the plan has no intervals; fit with a bootstrap.");
        }
        return warnings;
    }

    private RecommendedRate rate(Optimum best, List<String> warnings) {
        if (learningRate.isPresent()) {
            FitResult surface = learningRate.get();
            Point at = Point.nd(best.n(), best.d());
            double[] drawn = Arrays.stream(surface.replicas().values())
                    .mapToDouble(refit -> surface.predictor().at(refit, at))
                    .toArray();
            return new RecommendedRate(
                    estimate(surface.predictor().at(surface.values(), at), drawn, "1"), "lr-surface of these runs");
        }
        double kaplan = 0.003239 - 0.0001395 * Math.log(best.n());
        if (best.n() > 1e10) {
            warnings.add("Kaplan et al.'s rule for the learning rate is known to break above 1e10 parameters.");
        }
        return new RecommendedRate(
                Estimate.of(kaplan > 0 ? kaplan : Double.NaN, "1"),
                "rule of Kaplan et al. 2020, 0.003239 - 0.0001395 ln N (Adam, 5e5-token batches)");
    }

    private List<Plan.Gain> gains(double flops, List<double[]> refits) {
        List<Plan.Gain> gains = new ArrayList<>();
        for (int k = 1; k <= DOUBLINGS; k++) {
            double from = flops * Math.pow(2, k - 1.0);
            ToDoubleFunction<double[]> gain =
                    parameters -> frontier.at(parameters, from).loss()
                            - frontier.at(parameters, 2 * from).loss();
            gains.add(new Plan.Gain(
                    from,
                    2 * from,
                    estimate(
                            gain.applyAsDouble(fit.values()),
                            refits.stream().mapToDouble(gain).toArray(),
                            "nats/token")));
        }
        return gains;
    }

    /** Medians over the refits whose exponent of N_opt lies near the ends of its interval: exponents do not move alone. */
    private Optional<Plan.Sensitivity> sensitivity(Optimum best, List<double[]> refits, List<Optimum> drawn) {
        int band = Math.max(5, (int) Math.round(BAND * refits.size()));
        if (refits.size() < 4 * band) {
            return Optional.empty();
        }
        double[] exponent = refits.stream()
                .mapToDouble(refit -> exponent(refit, best.flops()))
                .toArray();
        int[] order = IntStream.range(0, exponent.length)
                .boxed()
                .sorted(Comparator.comparingDouble(k -> exponent[k]))
                .mapToInt(Integer::intValue)
                .toArray();
        int[] low = Arrays.copyOf(order, band);
        int[] high = Arrays.copyOfRange(order, order.length - band, order.length);
        return Optional.of(new Plan.Sensitivity(
                exponent(fit.values(), best.flops()),
                median(low, k -> exponent[k]),
                median(high, k -> exponent[k]),
                median(low, k -> drawn.get(k).n()),
                median(high, k -> drawn.get(k).n()),
                median(low, k -> drawn.get(k).d()),
                median(high, k -> drawn.get(k).d()),
                median(low, k -> drawn.get(k).loss()),
                median(high, k -> drawn.get(k).loss())));
    }

    /** d ln N_opt/d ln C at a budget. */
    private double exponent(double[] parameters, double flops) {
        return Math.log(frontier.at(parameters, 2 * flops).n()
                        / frontier.at(parameters, flops / 2).n())
                / Math.log(4);
    }

    /** How much loss this division gives away should a refit be the truth. */
    private Estimate regret(Optimum best, List<double[]> refits) {
        double[] losses = refits.stream()
                .mapToDouble(refit -> frontier.loss(refit, best.n(), best.d())
                        - frontier.at(refit, best.flops()).loss())
                .toArray();
        double own = frontier.loss(fit.values(), best.n(), best.d()) - best.loss();
        return estimate(own, losses, "nats/token");
    }

    private static double median(int[] members, java.util.function.IntToDoubleFunction value) {
        double[] sorted = Arrays.stream(members).mapToDouble(value).sorted().toArray();
        return Replicas.quantile(sorted, 0.5);
    }

    private Estimate of(Optimum best, List<Optimum> drawn, ToDoubleFunction<Optimum> quantity, String unit) {
        return estimate(
                quantity.applyAsDouble(best),
                drawn.stream().mapToDouble(quantity).toArray(),
                unit);
    }

    private Estimate estimate(double value, double[] drawn, String unit) {
        double[] interval = fit.options().interval(drawn, value);
        return new Estimate(value, interval[0], interval[1], unit);
    }
}
