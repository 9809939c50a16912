package dev.powersweep.worker.train;

/** Batches that are windows of one ring of tokens, so that a device can hold the ring and be told where windows begin. */
public interface RingSource extends BatchSource {

    /** Tokens of the ring. */
    long ringTokens();

    /**
     * Copies tokens from {@code position} on; {@code position + count} is at most {@link #ringTokens()}.
     *
     * @param to filled from its beginning
     */
    void ring(long position, int count, int[] to);

    /**
     * What the ring is the first part of: sources with equal answers read the same tokens, as far as both go.
     */
    Object tokens();

    /**
     * Where a window of a step begins in the ring; its inputs and targets are the context + 1 tokens from there on.
     *
     * @param step 1 for the first step of a run
     * @param sequence from 0, of the batch
     */
    long start(long step, int sequence);
}
