package dev.powersweep.worker.cell;

import java.util.List;

/**
 * When and on what a cell is evaluated; the last step is always evaluated.
 *
 * @param everySteps steps between evaluations, ≥ 1
 * @param tokens held-out tokens scored each time, at most what the set holds; the same ones every time
 * @param sets names of evaluation sets in the shard manifest; the first decides early stopping and the final loss
 */
public record EvaluationRule(long everySteps, long tokens, List<String> sets) {
    public EvaluationRule {
        if (everySteps < 1) {
            throw new IllegalArgumentException("evaluation.everySteps = " + everySteps + " must be at least 1");
        }
        if (tokens < 1) {
            throw new IllegalArgumentException("evaluation.tokens = " + tokens + " must be at least 1");
        }
        sets = List.copyOf(sets);
        if (sets.isEmpty()) {
            throw new IllegalArgumentException("evaluation.sets is empty; name at least one held-out set");
        }
    }
}
