package dev.powersweep.orchestrator.budget;

import java.util.function.DoubleUnaryOperator;

/**
 * What a sweep can train in addition to its cells.
 *
 * @param tokens most that a run may see: those of its text, as often as {@code training.maxEpochs} allows
 * @param size of a wanted model size the nearest that its grid can make, non-embedding parameters
 */
public record Trainable(double tokens, DoubleUnaryOperator size) {
    /** Of fits that come from no sweep. */
    public static final Trainable ANYTHING = new Trainable(Double.POSITIVE_INFINITY, DoubleUnaryOperator.identity());
}
