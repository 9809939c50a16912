package dev.powersweep.orchestrator.budget;

import java.util.Optional;

/**
 * The run worth training.
 *
 * @param law it rests on
 * @param compute C = 6·N·D, FLOPs
 * @param parameters N
 * @param tokens D
 * @param loss predicted, nats per token
 * @param outcome where one such run would fall, noise included; NaN ends where unknown
 * @param doubled predicted loss with twice the compute, spent as well
 * @param batch advice, where a law of the batch was fitted
 * @param learningRate Kaplan et al. 2020's rule for Adam, LR(N) = 0.003239 − 0.0001395·ln N; only a place to start
 *     from, and NaN above 10 billion parameters, where the rule breaks down
 */
public record BudgetPlan(
        String law,
        Ranged compute,
        Ranged parameters,
        Ranged tokens,
        Ranged loss,
        Ranged outcome,
        double doubled,
        Optional<Batch> batch,
        double learningRate) {

    /**
     * How large the batch may be.
     *
     * @param law that says so
     * @param critical B_crit in tokens, where steps and data are both twice their least
     * @param tokens B that costs a fifth more data than the smallest batch (Zhang et al. 2024's overhead)
     * @param steps S = D/B
     */
    public record Batch(String law, Ranged critical, double tokens, double steps) {}
}
