package dev.powersweep.orchestrator.budget;

import dev.powersweep.orchestrator.spec.LearningRateRule;
import java.util.Optional;
import java.util.OptionalDouble;
import java.util.OptionalInt;

/**
 * What a sweep says of the runs that would follow it, beside its laws.
 *
 * @param rule for the learning rate
 * @param context tokens of a sequence; batches are whole sequences
 * @param corpus tokens of its text
 */
public record Conditions(Optional<LearningRateRule> rule, OptionalInt context, OptionalDouble corpus) {
    /** Of fits that come from no sweep. */
    public static final Conditions UNKNOWN =
            new Conditions(Optional.empty(), OptionalInt.empty(), OptionalDouble.empty());

    /** Only the rule is known. */
    static Conditions of(Optional<LearningRateRule> rule) {
        return new Conditions(rule, OptionalInt.empty(), OptionalDouble.empty());
    }

    /** The nearest batch of whole sequences, at least one. */
    double wholeSequences(double tokens) {
        return context.isEmpty() ? tokens : context.getAsInt() * Math.max(1, Math.rint(tokens / context.getAsInt()));
    }
}
