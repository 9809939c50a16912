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
 * @param learningRate by the sweep's own rule; by the planner's where runs have no specification
 * @param warnings of the fits that it rests on, and its own
 */
public record BudgetPlan(
        Plan plan, Estimate outcome, Optional<String> batchLaw, RecommendedRate learningRate, List<String> warnings) {
    public BudgetPlan {
        warnings = List.copyOf(warnings);
    }
}
