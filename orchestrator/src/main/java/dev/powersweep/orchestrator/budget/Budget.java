package dev.powersweep.orchestrator.budget;

import dev.powersweep.fitting.allocation.BatchChoice;
import dev.powersweep.fitting.allocation.DesignCell;
import dev.powersweep.fitting.allocation.Extrapolation;
import dev.powersweep.fitting.allocation.Goal;
import dev.powersweep.fitting.allocation.Plan;
import dev.powersweep.fitting.allocation.Planner;
import dev.powersweep.fitting.allocation.RecommendedRate;
import dev.powersweep.fitting.result.Estimate;
import dev.powersweep.fitting.runs.FitRefusal;
import dev.powersweep.fitting.runs.Point;
import dev.powersweep.fitting.runs.Quantity;
import dev.powersweep.orchestrator.fits.ComputeOptimum;
import dev.powersweep.orchestrator.spec.LearningRateRule;
import dev.powersweep.orchestrator.storage.UserError;
import dev.powersweep.orchestrator.text.Numbers;
import java.util.Comparator;
import java.util.LinkedHashSet;
import java.util.List;
import java.util.Locale;
import java.util.Optional;
import java.util.Set;

/** Answers what to train, by a fitted law. */
public final class Budget {
    /** Laws in N and D, the most general first. */
    private static final List<String> JOINT = List.of("chinchilla", "chinchilla-tied", "kaplan-nd", "gadre");

    private static final List<String> BATCH =
            List.of("three-term", "three-term-loss", "three-term-data", "three-term-size");

    /** Epochs up to which repeated text is nearly as good as new. */
    private static final double HARMLESS_EPOCHS = 4;

    /** A budget at which any law has levelled off, FLOPs. */
    private static final double MOST = 1e40;

    private Budget() {}

    /** As {@link #plan(List, Optional, Goal, Optional)}, for runs that have no specification. */
    public static BudgetPlan plan(List<StoredFit> fits, Optional<String> law, Goal goal) {
        return plan(fits, law, goal, Optional.empty());
    }

    /**
     * Plans a run.
     *
     * @param law name of the law to use; empty for the most general that was fitted
     * @param rule for the learning rate, of the sweep that was fitted
     * @throws UserError where no law in N and D was fitted, or the goal is out of reach
     */
    public static BudgetPlan plan(
            List<StoredFit> fits, Optional<String> law, Goal goal, Optional<LearningRateRule> rule) {
        return plan(fits, law, goal, rule, Reach.OF_THE_RUNS);
    }

    /** How far from the fitted runs a plan may lie. */
    public enum Reach {
        /** Up to {@link Extrapolation#REFUSED} times the largest of each direction, and down to the smallest over that. */
        OF_THE_RUNS,
        /** Anywhere: the reader asked for an extrapolation. */
        ANYWHERE
    }

    /**
     * Plans a run.
     *
     * @throws OutOfReach where the plan lies further away than that
     */
    public static BudgetPlan plan(
            List<StoredFit> fits, Optional<String> law, Goal goal, Optional<LearningRateRule> rule, Reach reach) {
        return plan(fits, law, goal, Conditions.of(rule), reach);
    }

    /**
     * Plans a run of a sweep.
     *
     * @param sweep its rule for the rate, its context and its text
     * @throws OutOfReach where the plan lies further away than that
     */
    public static BudgetPlan plan(
            List<StoredFit> fits, Optional<String> law, Goal goal, Conditions sweep, Reach reach) {
        StoredFit fit = law.isPresent() ? named(fits, law.get()) : choose(fits, law);
        Optional<StoredFit> batch = BATCH.stream()
                .flatMap(name -> fits.stream().filter(known -> known.law().equals(name)))
                .min(Comparator.comparingDouble(known -> Double.isNaN(known.aicc()) ? Double.MAX_VALUE : known.aicc()));
        try {
            Planner planner = new Planner(fit.fit());
            if (goal instanceof Goal.Loss target) {
                aboveTheFloor(fit, target);
            }
            batch.ifPresent(known -> planner.batch(new BatchChoice(known.fit(), BatchChoice.DEFAULT_OVERHEAD)));
            Plan plan = planner.plan(goal);
            if (reach == Reach.OF_THE_RUNS) {
                plan.extrapolations().stream()
                        .filter(Extrapolation::refused)
                        .findFirst()
                        .ifPresent(outside -> refuse(fit, outside));
            }
            Estimate loss = plan.loss();
            Optional<Estimate> tokens = plan.batch().map(known -> whole(known, sweep));
            return new BudgetPlan(
                    plan,
                    new Estimate(
                            loss.value(),
                            loss.low() * Math.exp(-1.96 * fit.noise()),
                            loss.high() * Math.exp(1.96 * fit.noise()),
                            loss.unit()),
                    batch.map(StoredFit::law),
                    tokens,
                    tokens.map(size -> steps(plan.d().value(), size)),
                    batch.flatMap(known -> tokens.map(size -> known.predictor()
                            .at(
                                    known.values(),
                                    Point.nd(plan.n().value(), plan.d().value()).and(Quantity.B, size.value())))),
                    sweep.rule()
                            .map(own -> rate(own, plan, tokens.map(Estimate::value)))
                            .orElse(plan.learningRate()),
                    warnings(fit, batch, plan, tokens.map(Estimate::value), sweep));
        } catch (FitRefusal refusal) {
            throw new UserError(refusal.sentence(), refusal);
        }
    }

    private static void aboveTheFloor(StoredFit fit, Goal.Loss target) {
        double floor = ComputeOptimum.loss(fit.predictor(), fit.values(), MOST);
        if (target.nats() <= floor) {
            throw new UserError("a loss of " + target.nats() + " is out of reach by " + fit.law()
                    + ": it levels off at " + Numbers.fixed(floor, 3) + "; ask for a higher loss");
        }
    }

    /** Any law that was fitted; whether it can divide a budget is for the planner to say. */
    private static StoredFit named(List<StoredFit> fits, String law) {
        return fits.stream()
                .filter(fit -> fit.law().equals(law))
                .findFirst()
                .orElseThrow(() -> new UserError("no fit of a law '" + law
                        + "' is known that predicts a loss, as a plan needs; there are " + names(fits)));
    }

    private static Estimate whole(Estimate tokens, Conditions sweep) {
        return new Estimate(
                sweep.wholeSequences(tokens.value()),
                tokens.hasInterval() ? sweep.wholeSequences(tokens.low()) : tokens.low(),
                tokens.hasInterval() ? sweep.wholeSequences(tokens.high()) : tokens.high(),
                tokens.unit());
    }

    private static Estimate steps(double data, Estimate batch) {
        return new Estimate(
                Math.ceil(data / batch.value()),
                batch.hasInterval() ? Math.ceil(data / batch.high()) : Double.NaN,
                batch.hasInterval() ? Math.ceil(data / batch.low()) : Double.NaN,
                "steps");
    }

    private static RecommendedRate rate(LearningRateRule rule, Plan plan, Optional<Double> tokens) {
        if (rule.followsBatch() && tokens.isEmpty()) {
            return new RecommendedRate(
                    Estimate.of(Double.NaN, "1"),
                    "the sweep's own rule, training.learningRate, follows the batch, and no law of the batch size was"
                            + " fitted");
        }
        double batch = tokens.orElse(1.0);
        double value = rule.peak(plan.n().value(), batch, plan.d().value());
        if (!(value > 0)) {
            return new RecommendedRate(
                    Estimate.of(Double.NaN, "1"), "the sweep's own rule, training.learningRate, does not reach so far");
        }
        return new RecommendedRate(
                Estimate.of(value, "1"),
                "by the sweep's own rule, training.learningRate, extrapolated to this run"
                        + (rule.baseWidth().isPresent()
                                ? "; at base width " + rule.baseWidth().getAsInt() + ", transferred by width"
                                : ""));
    }

    private static void refuse(StoredFit fit, Extrapolation outside) {
        throw new OutOfReach(String.format(
                Locale.ROOT,
                "the plan by %s needs %s = %.3g %s, %.3g times %s that was fitted (%.3g), and nobody knows whether the law"
                        + " holds there; %s, or give --extrapolate to see its numbers",
                fit.law(),
                outside.axis().label(),
                outside.value(),
                outside.axis().unit(),
                outside.factor(),
                outside.above() ? "the largest" : "below the smallest",
                outside.edge(),
                outside.above() ? "train larger cells, ask for less" : "train smaller cells, ask for more"));
    }

    /** Warnings of the fits hold for the plan too, such as sizes in millions. */
    private static List<String> warnings(
            StoredFit fit, Optional<StoredFit> batch, Plan plan, Optional<Double> tokens, Conditions sweep) {
        Set<String> warnings = new LinkedHashSet<>(fit.warnings());
        // Of the law of the batch, which is not the one that the reader asked for.
        batch.filter(known -> known != fit).ifPresent(known -> known.warnings().stream()
                .filter(warning -> !fit.warnings().contains(warning))
                .forEach(warning ->
                        warnings.add(warning + " This is said of " + known.law() + ", by which the batch is chosen.")));
        warnings.addAll(plan.warnings());
        double data = plan.d().value();
        if (sweep.corpus().isPresent() && data > sweep.corpus().getAsDouble()) {
            double epochs = data / sweep.corpus().getAsDouble();
            warnings.add("The sweep's text has " + Numbers.count(sweep.corpus().getAsDouble(), 3)
                    + " tokens: the plan would see it " + Numbers.significant(epochs, 2) + " times, and its law counts"
                    + " repeated tokens as new ones."
                    + (epochs > HARMLESS_EPOCHS
                            ? " Beyond about four epochs repetitions are worth less and less (Muennighoff et al. 2023); find"
                                    + " more text or plan by fewer tokens."
                            : " Up to about four epochs that costs little (Muennighoff et al. 2023)."));
        }
        double largest = batch.stream()
                .flatMap(known -> known.made().stream())
                .mapToDouble(DesignCell::b)
                .filter(Double::isFinite)
                .max()
                .orElse(Double.NaN);
        tokens.filter(size -> size >= Extrapolation.TOLD * largest)
                .ifPresent(size -> warnings.add("The batch of " + Numbers.count(size, 3) + " tokens is "
                        + Numbers.significant(size / largest, 3) + " times the largest that was trained: it is"
                        + " extrapolated."));
        return List.copyOf(warnings);
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
}
