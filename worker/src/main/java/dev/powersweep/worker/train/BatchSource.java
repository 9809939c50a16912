package dev.powersweep.worker.train;

/**
 * Training tokens with random access by step, so that the data cursor of a run is its step number alone.
 *
 * <p>Guarantees: the same step always gives the same tokens, whatever was asked before.
 */
public interface BatchSource {

    /**
     * Fills the batch of one step.
     *
     * @param step 1 for the first step of a run
     * @param inputs room for [batchSequences, context], row-major; filled from the beginning, with as many sequences as
     *     the step has; every token in [0, vocabulary)
     * @param targets the same shape; the token that follows each input
     */
    void batch(long step, int[] inputs, int[] targets);
}
