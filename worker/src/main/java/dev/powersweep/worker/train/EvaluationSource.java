package dev.powersweep.worker.train;

/** Held-out sequences in a fixed order. */
public interface EvaluationSource {

    /** How many there are, ≥ 1. */
    int sequences();

    /**
     * Copies one sequence.
     *
     * @param index in [0, {@link #sequences()})
     * @param inputs receives {@code context} tokens from {@code offset} on
     * @param targets receives the token that follows each input
     * @param offset of the first token in both arrays
     */
    void sequence(int index, int[] inputs, int[] targets, int offset);
}
