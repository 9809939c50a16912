package dev.powersweep.orchestrator.budget;

import dev.powersweep.orchestrator.fits.ComputeOptimum;
import dev.powersweep.orchestrator.storage.UserError;
import dev.powersweep.orchestrator.text.Numbers;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.function.DoubleUnaryOperator;
import java.util.function.ToDoubleFunction;

/** Answers what to train, by a fitted law. */
public final class Budget {
    /** Laws in N and D, the most general first. */
    private static final List<String> JOINT = List.of("chinchilla", "chinchilla-tied", "kaplan-nd", "gadre");

    private static final List<String> BATCH =
            List.of("three-term", "three-term-loss", "three-term-data", "three-term-size");
    /** Compute is looked for between these, FLOPs. */
    private static final double LEAST = 1e6;

    private static final double MOST = 1e40;
    /** B = B_crit/5 costs a fifth more data. */
    private static final double DATA_OVERHEAD = 0.2;

    /** Kaplan et al.'s rule for the learning rate breaks down above this size. */
    private static final double LARGEST_RATED = 1e10;

    private Budget() {}

    /**
     * Plans a run.
     *
     * @param law name of the law to use; empty for the most general that was fitted
     * @throws UserError where no law in N and D was fitted, or the question has no answer
     */
    public static BudgetPlan plan(List<StoredFit> fits, Optional<String> law, Question question) {
        StoredFit fit = choose(fits, law);
        double[] best = fit.values();
        Ranged compute = question instanceof Question.Flops flops
                ? new Ranged(flops.compute(), flops.compute(), flops.compute())
                : ranged(fit, question);
        double c = compute.value();
        ToDoubleFunction<double[]> size =
                theta -> ComputeOptimum.size(fit.predictor(), theta, budget(fit, theta, question));
        Ranged n = question instanceof Question.Parameters given
                ? new Ranged(given.parameters(), given.parameters(), given.parameters())
                : fit.of(size);
        Ranged d = question instanceof Question.Tokens given
                ? new Ranged(given.tokens(), given.tokens(), given.tokens())
                : fit.of(theta -> budget(fit, theta, question) / (6 * size.applyAsDouble(theta)));
        Ranged loss = fit.of(theta -> ComputeOptimum.loss(fit.predictor(), theta, c, n.value()));
        Ranged outcome = new Ranged(
                loss.value(), loss.low() * Math.exp(-1.96 * fit.noise()), loss.high() * Math.exp(1.96 * fit.noise()));
        return new BudgetPlan(
                fit.law(),
                compute,
                n,
                d,
                loss,
                outcome,
                ComputeOptimum.loss(fit.predictor(), best, 2 * c),
                batch(fits, n.value(), d.value(), loss.value()),
                n.value() < LARGEST_RATED ? 0.003239 - 0.0001395 * Math.log(n.value()) : Double.NaN);
    }

    /** The law that plans rest on. */
    static StoredFit choose(List<StoredFit> fits, Optional<String> law) {
        if (law.isPresent()) {
            return fits.stream()
                    .filter(fit -> fit.law().equals(law.get()) && JOINT.contains(fit.law()))
                    .findFirst()
                    .orElseThrow(() -> new UserError("there is no fit of a law '" + law.get()
                            + "' in N and D; there are " + names(fits) + " (of use here: " + String.join(", ", JOINT)
                            + ")"));
        }
        return JOINT.stream()
                .flatMap(name -> fits.stream().filter(fit -> fit.law().equals(name)))
                .findFirst()
                .orElseThrow(() -> new UserError("a plan needs a law in model size and data ("
                        + String.join(", ", JOINT) + "), and only " + names(fits)
                        + " were fitted; vary both in the sweep"));
    }

    private static String names(List<StoredFit> fits) {
        return String.join(", ", fits.stream().map(StoredFit::law).toList());
    }

    private static Ranged ranged(StoredFit fit, Question question) {
        return fit.of(theta -> budget(fit, theta, question));
    }

    /** The compute that the question asks for, by one set of parameters; NaN where it has no answer by these. */
    private static double budget(StoredFit fit, double[] theta, Question question) {
        boolean estimate = java.util.Arrays.equals(theta, fit.values());
        DoubleUnaryOperator rises;
        double target;
        if (question instanceof Question.Flops flops) {
            return flops.compute();
        } else if (question instanceof Question.Loss loss) {
            rises = c -> -ComputeOptimum.loss(fit.predictor(), theta, c);
            target = -loss.loss();
        } else if (question instanceof Question.Tokens tokens) {
            rises = c -> c / (6 * ComputeOptimum.size(fit.predictor(), theta, c));
            target = tokens.tokens();
        } else {
            rises = c -> ComputeOptimum.size(fit.predictor(), theta, c);
            target = ((Question.Parameters) question).parameters();
        }
        if (rises.applyAsDouble(MOST) < target) {
            if (estimate && question instanceof Question.Loss loss) {
                throw new UserError(
                        "a loss of " + loss.loss() + " is out of reach by " + fit.law() + ": it levels off at "
                                + Numbers.fixed(ComputeOptimum.loss(fit.predictor(), theta, MOST), 3)
                                + "; ask for a higher loss");
            }
            return Double.NaN;
        }
        double low = Math.log(LEAST);
        double high = Math.log(MOST);
        while (high - low > 1e-9) {
            double middle = (low + high) / 2;
            if (rises.applyAsDouble(Math.exp(middle)) < target) {
                low = middle;
            } else {
                high = middle;
            }
        }
        return Math.exp((low + high) / 2);
    }

    private static Optional<BudgetPlan.Batch> batch(List<StoredFit> fits, double n, double d, double loss) {
        return BATCH.stream()
                .flatMap(name -> fits.stream().filter(fit -> fit.law().equals(name)))
                .findFirst()
                .map(fit -> {
                    List<String> names = List.copyOf(fit.parameters().keySet());
                    Ranged critical = fit.of(theta -> critical(fit.law(), names, theta, n, d, loss));
                    double tokens = DATA_OVERHEAD * critical.value();
                    return new BudgetPlan.Batch(fit.law(), critical, tokens, d / tokens);
                });
    }

    private static double critical(String law, List<String> names, double[] theta, double n, double d, double loss) {
        Map<String, Integer> at = java.util.stream.IntStream.range(0, names.size())
                .boxed()
                .collect(java.util.stream.Collectors.toMap(names::get, i -> i));
        if (at.containsKey("B_crit")) {
            return theta[at.get("B_crit")];
        }
        if (at.containsKey("alpha_B")) {
            return theta[at.get("B_star")] / Math.pow(loss, 1 / theta[at.get("alpha_B")]);
        }
        return theta[at.get("B_0")] * Math.pow(law.endsWith("size") ? n : d, theta[at.get("kappa")]);
    }
}
