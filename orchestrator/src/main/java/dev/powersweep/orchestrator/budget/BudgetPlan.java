package dev.powersweep.orchestrator.budget;

import dev.powersweep.fitting.allocation.Plan;
import dev.powersweep.fitting.allocation.RecommendedRate;
import dev.powersweep.fitting.result.Estimate;
import java.util.List;
import java.util.Optional;

/**
 * The run worth training.
 *
 * @param plan sizes, loss, gains and how the answer moves
 * @param outcome where one such run would fall, its own noise included; NaN ends where unknown
 * @param batchLaw the law that the batch rests on, where one was fitted
 * @param batch a fifth of the critical one in whole sequences, tokens; empty where no law of the batch was fitted
 * @param steps D over that batch
 * @param atBatch the loss at that batch by the law it rests on, which knows what a batch costs; at the rates of the sweep
 * @param learningRate by the sweep's own rule; by the planner's where runs have no specification
 * @param warnings of the fits that it rests on, and its own
 */
public record BudgetPlan(
        Plan plan,
        Estimate outcome,
        Optional<String> batchLaw,
        Optional<Estimate> batch,
        Optional<Estimate> steps,
        Optional<Double> atBatch,
        RecommendedRate learningRate,
        List<String> warnings) {
    public BudgetPlan {
        warnings = List.copyOf(warnings);
    }
}
