package dev.powersweep.orchestrator.fits;

import dev.powersweep.fitting.batch.ThreeTerm;
import dev.powersweep.fitting.result.Estimate;
import dev.powersweep.fitting.result.FitResult;
import dev.powersweep.fitting.result.Replicas;
import dev.powersweep.fitting.result.Residual;
import dev.powersweep.fitting.runs.Point;
import dev.powersweep.fitting.runs.Quantity;
import dev.powersweep.orchestrator.text.Numbers;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.Comparator;
import java.util.List;
import java.util.Optional;
import java.util.function.ToDoubleFunction;
import java.util.stream.Collectors;

/** Says in plain words what fits mean: for all laws that the data accept, with the range, and how far it is extrapolated. */
final class Readings {
    /** The factor of compute for which the best sizes are told. */
    private static final double MORE = 10;

    /** Laws whose exponents say how to share compute; the tied law assumes the answer. */
    private static final List<String> ALLOCATING =
            List.of("chinchilla", "kaplan-nd", "gadre", "three-term", "steps-batch");

    /** Sizes read off the profiles, whose exponent stands beside those of the laws of the loss. */
    private static final String MINIMA = "isoflop";

    /** Budgets that differ by less are one: data are rounded to whole batches. */
    private static final double SAME_BUDGET = 1.02;

    /** Laws in N and D alone, whose optimum at the largest budget can be compared with the grid. */
    private static final List<String> JOINT = List.of("chinchilla", "kaplan-nd", "gadre");

    private static final String FLOOR = "chinchilla";
    private static final String WITHOUT_FLOOR = "kaplan-nd";

    private static final double VAGUE = 0.4;
    /** A floor whose interval begins below this share of it is not determined. */
    private static final double SURE = 0.5;

    /** Scatter of ln L beyond this is no seed noise (Kaplan et al. 2020 see 0.02). */
    private static final double ROUGH = 0.03;

    private Readings() {}

    /**
     * The sentences.
     *
     * @param largestBatch that was trained, tokens; NaN where batches are not known
     */
    static List<Reading> of(List<FitSet.Outcome> outcomes, double largestBatch) {
        List<FitResult> accepted = Accepted.of(outcomes);
        List<Reading> readings = new ArrayList<>();
        List<FitResult> sharing = ALLOCATING.stream()
                .flatMap(law -> accepted.stream().filter(fit -> fit.law().equals(law)))
                .filter(Readings::allocates)
                .toList();
        if (!sharing.isEmpty()) {
            readings.add(allocation(sharing));
            accepted.stream()
                    .filter(fit -> fit.law().equals(MINIMA))
                    .findFirst()
                    .flatMap(minima -> elsewhere(minima, sharing))
                    .ifPresent(readings::add);
            FitResult first = sharing.get(0);
            if (first.response() == Quantity.LOSS && first.quality().noise() > ROUGH) {
                readings.add(rough(first));
            }
        }
        accepted.stream()
                .filter(fit -> fit.law().equals(FLOOR) && fit.parameters().containsKey("E"))
                .findFirst()
                .ifPresent(fit -> readings.add(irreducible(fit, accepted)));
        accepted.stream()
                .filter(fit -> fit.parameters().containsKey("B_crit"))
                .findFirst()
                .or(() -> accepted.stream()
                        .filter(fit -> fit.response() == Quantity.LOSS
                                && ThreeTerm.byName(fit.law()).isPresent())
                        .findFirst())
                .ifPresent(fit -> readings.add(criticalBatch(fit, largestBatch)));
        return readings;
    }

    private static boolean allocates(FitResult fit) {
        return fit.derived().containsKey("a") && fit.derived().containsKey("b");
    }

    private static double low(Estimate estimate) {
        return estimate.hasInterval() ? estimate.low() : estimate.value();
    }

    private static double high(Estimate estimate) {
        return estimate.hasInterval() ? estimate.high() : estimate.value();
    }

    private static Reading allocation(List<FitResult> fits) {
        List<Estimate> a = fits.stream().map(fit -> fit.derived().get("a")).toList();
        List<Estimate> b = fits.stream().map(fit -> fit.derived().get("b")).toList();
        double least = a.stream().mapToDouble(Readings::low).min().orElseThrow();
        double most = a.stream().mapToDouble(Readings::high).max().orElseThrow();
        String basis = fits.stream()
                        .map(fit -> fit.law() + ": N_opt ∝ C^"
                                + Numbers.fixed(fit.derived().get("a").value(), 3)
                                + interval(fit.derived().get("a")) + ", D_opt ∝ C^"
                                + Numbers.fixed(fit.derived().get("b").value(), 3) + ", from " + fit.runs() + " runs")
                        .collect(Collectors.joining("; "))
                + (fits.size() > 1 ? "; the laws that these runs accept (" + Accepted.RULE + ")." : ".");
        String range = Numbers.times(Math.pow(MORE, least)) + " to " + Numbers.times(Math.pow(MORE, most));
        if (most - least > VAGUE) {
            return new Reading(
                    "These runs cannot say how to share more compute between model and data: for "
                            + Numbers.count(MORE) + "× the compute the model might grow by anything from " + range
                            + ". More sizes, further apart, would tell.",
                    basis);
        }
        String sentence = "For " + Numbers.count(MORE) + "× the compute, make the model " + span(a)
                + " larger and train it on " + span(b) + " the data";
        if (a.stream().anyMatch(Estimate::hasInterval)) {
            sentence += "; "
                    + (fits.size() == 1
                            ? "the interval of " + fits.get(0).law() + " allows"
                            : "intervals of " + fits.size() + " laws together allow")
                    + " anything from " + range + " for the model";
        }
        return new Reading(sentence + "." + extrapolated(fits), basis);
    }

    /** Factors of the laws' own estimates: one, or the lowest and the highest. */
    private static String span(List<Estimate> exponents) {
        double[] factors = exponents.stream()
                .mapToDouble(exponent -> Math.pow(MORE, exponent.value()))
                .sorted()
                .toArray();
        String low = Numbers.times(factors[0]);
        String high = Numbers.times(factors[factors.length - 1]);
        return low.equals(high) ? low : low + " to " + high;
    }

    /** Where the grid ends, and whether the optimum of its own largest budget lies inside. */
    private static String extrapolated(List<FitResult> fits) {
        Optional<FitResult> joint =
                fits.stream().filter(fit -> JOINT.contains(fit.law())).findFirst();
        double[] compute = fits.stream()
                .map(fit -> column(fit, Quantity.C))
                .filter(values -> values.length > 0)
                .findFirst()
                .orElse(new double[0]);
        if (compute.length == 0) {
            return "";
        }
        double edge = compute[compute.length - 1];
        String beyond =
                " Nothing was trained beyond " + Numbers.power(edge, 2) + " FLOPs, so that this is an extrapolation";
        if (joint.isEmpty()) {
            return beyond + ".";
        }
        FitResult fit = joint.get();
        double[] n = column(fit, Quantity.N);
        double size = ComputeOptimum.size(fit.predictor(), fit.values(), edge);
        String off = n.length == 0 || (size >= n[0] && size <= n[n.length - 1])
                ? ""
                : ", and even at that budget the best size by " + fit.law() + ", " + Numbers.count(size, 2)
                        + " parameters, lies outside the sizes trained (" + Numbers.count(n[0], 2) + " to "
                        + Numbers.count(n[n.length - 1], 2) + ")";
        return beyond + off + ".";
    }

    /** Minima of the profiles whose exponent lies outside what the laws of the loss allow, and where they miss the runs. */
    private static Optional<Reading> elsewhere(FitResult minima, List<FitResult> laws) {
        List<Estimate> allowed =
                laws.stream().map(fit -> fit.derived().get("a")).toList();
        Estimate a = minima.parameters().get("a");
        if (a.value() >= allowed.stream().mapToDouble(Readings::low).min().orElseThrow()
                && a.value()
                        <= allowed.stream().mapToDouble(Readings::high).max().orElseThrow()) {
            return Optional.empty();
        }
        double[] budgets = column(minima, Quantity.C);
        String sentence =
                "The minima of the IsoFLOP profiles point elsewhere: " + Numbers.times(Math.pow(MORE, a.value()))
                        + " the model for " + Numbers.count(MORE) + "× the compute"
                        + (a.hasInterval()
                                ? " (" + Numbers.times(Math.pow(MORE, a.low())) + " to "
                                        + Numbers.times(Math.pow(MORE, a.high())) + ")"
                                : "")
                        + ", from " + budgets.length + " budgets up to "
                        + Numbers.power(budgets[budgets.length - 1], 2) + " FLOPs.";
        return Optional.of(new Reading(
                sentence + missed(minima, laws.get(0)),
                minima.law() + ": N_opt ∝ C^" + Numbers.fixed(a.value(), 3) + interval(a) + "; "
                        + minima.identifiability().verdict()));
    }

    /** Where the smallest model of the largest budget did best, though the minima of the others put the best size above it. */
    private static String missed(FitResult minima, FitResult law) {
        double[] compute = column(law, Quantity.C);
        if (compute.length == 0) {
            return "";
        }
        double edge = compute[compute.length - 1];
        List<Residual> largest = law.residuals().stream()
                .filter(row -> row.at().has(Quantity.C)
                        && row.at().has(Quantity.N)
                        && row.at().get(Quantity.C) > edge / SAME_BUDGET)
                .toList();
        double smallest = largest.stream()
                .mapToDouble(row -> row.at().get(Quantity.N))
                .min()
                .orElse(Double.NaN);
        double best = largest.stream()
                .min(Comparator.comparingDouble(Residual::observed))
                .map(row -> row.at().get(Quantity.N))
                .orElse(Double.NaN);
        double expected = minima.predictor().at(minima.values(), Point.of(Quantity.C, edge));
        return largest.size() > 1 && best == smallest && expected > best
                ? " They miss the budget of " + Numbers.power(edge, 2)
                        + " FLOPs, where they would put the best size at "
                        + Numbers.count(expected, 2) + " parameters and the smallest model trained, "
                        + Numbers.count(best, 2) + ", did best: add smaller ones there."
                : "";
    }

    private static double[] column(FitResult fit, Quantity quantity) {
        return fit.residuals().stream()
                .map(Residual::at)
                .filter(at -> at.has(quantity))
                .mapToDouble(at -> at.get(quantity))
                .sorted()
                .toArray();
    }

    private static Reading rough(FitResult fit) {
        return new Reading(
                "The law misses single runs by about "
                        + Numbers.percent(fit.quality().noise(), 2)
                        + " of the loss, more than seeds usually differ: look at the loss curves for spikes, plateaus and"
                        + " runs cut too short before trusting its exponents.",
                fit.law() + ": noise of ln L " + Numbers.fixed(fit.quality().noise(), 3) + ", R² "
                        + Numbers.fixed(fit.quality().rSquared(), 3) + ".");
    }

    private static Reading criticalBatch(FitResult fit, double largestBatch) {
        Optional<Residual> lowest = fit.residuals().stream().min(Comparator.comparingDouble(Residual::observed));
        boolean constant = fit.parameters().containsKey("B_crit");
        Estimate critical = constant ? fit.parameters().get("B_crit") : criticalBatch(fit, lowest.orElseThrow());
        String at = constant
                ? ""
                : "At the lowest loss trained, "
                        + Numbers.fixed(lowest.orElseThrow().observed(), 2) + " nats per token: ";
        String range = critical.hasInterval()
                ? " (" + Numbers.count(critical.low()) + " … " + Numbers.count(critical.high()) + ")"
                : "";
        String basis = fit.law() + ": B_crit = " + Numbers.count(critical.value()) + range + " tokens"
                + (constant ? "." : " there; " + fit.formula() + ".");
        if (critical.value() > largestBatch) {
            return new Reading(
                    (constant ? "The" : at + "the") + " critical batch size lies beyond the largest batch trained, "
                            + Numbers.count(largestBatch, 4)
                            + " tokens: the estimate of " + Numbers.count(critical.value(), 2)
                            + " is a bound from below and no measurement. Larger batches would tell.",
                    basis);
        }
        return new Reading(
                at + (constant ? "Batches" : "batches") + " well below " + Numbers.count(critical.value(), 2)
                        + " tokens"
                        + (critical.hasInterval()
                                ? " (anything from " + Numbers.count(critical.low(), 2) + " to "
                                        + Numbers.count(critical.high(), 2) + ")"
                                : "")
                        + " waste hardly any data; well above it, a larger batch hardly saves steps.",
                basis);
    }

    /** Of a law by which the critical batch changes along the runs. */
    private static Estimate criticalBatch(FitResult fit, Residual run) {
        ThreeTerm law = ThreeTerm.byName(fit.law()).orElseThrow();
        ToDoubleFunction<double[]> critical = values ->
                law.criticalBatch(values, run.at().get(Quantity.N), run.at().get(Quantity.D), run.observed());
        double[] interval = Replicas.interval(
                Arrays.stream(fit.replicas().values()).mapToDouble(critical).toArray(),
                fit.options().confidence());
        return new Estimate(critical.applyAsDouble(fit.values()), interval[0], interval[1], "tokens");
    }

    private static Reading irreducible(FitResult fit, List<FitResult> accepted) {
        Estimate e = fit.parameters().get("E");
        String basis = fit.law() + ": E = " + Numbers.fixed(e.value(), 3) + interval(e) + ".";
        if (e.hasInterval() && e.low() < SURE * e.value()) {
            return new Reading(
                    "The runs do not determine the floor of the loss: anything from " + Numbers.fixed(e.low(), 2)
                            + " to " + Numbers.fixed(e.high(), 2) + " nats per token agrees with them.",
                    basis);
        }
        if (!(e.value() > 1e-3)) {
            return new Reading(
                    "The runs show no floor to the loss yet: larger scales are needed to see one.",
                    fit.law() + ": E = " + Numbers.significant(e.value(), 2) + interval(e) + ".");
        }
        double lowest =
                fit.residuals().stream().mapToDouble(Residual::observed).min().orElse(Double.NaN);
        boolean rival = accepted.stream().anyMatch(other -> other.law().equals(WITHOUT_FLOOR));
        return new Reading(
                "Extrapolated to endless models and data, " + fit.law() + " levels off at "
                        + Numbers.fixed(e.value(), 2) + " nats per token"
                        + (e.hasInterval()
                                ? " (" + Numbers.fixed(e.low(), 2) + " to " + Numbers.fixed(e.high(), 2) + ")"
                                : "")
                        + (Double.isFinite(lowest) ? "; the lowest loss trained is " + Numbers.fixed(lowest, 2) : "")
                        + (rival ? ", and " + WITHOUT_FLOOR + ", which these runs accept as well, has no floor" : "")
                        + ".",
                basis);
    }

    private static String interval(Estimate estimate) {
        return estimate.hasInterval()
                ? " (" + Numbers.fixed(estimate.low(), 3) + " … " + Numbers.fixed(estimate.high(), 3) + ")"
                : "";
    }
}
