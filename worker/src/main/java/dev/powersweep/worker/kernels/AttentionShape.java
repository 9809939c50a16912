package dev.powersweep.worker.kernels;

/**
 * @param context positions of a sequence
 * @param headWidth d_head
 * @param scale factor of the scores before the softmax
 */
public record AttentionShape(int context, int heads, int headWidth, float scale) {

    public int width() {
        return heads * headWidth;
    }

    /**
     * Whole sequences in so many rows.
     *
     * @throws IllegalArgumentException when a part of one is left over
     */
    public int sequences(int rows) {
        if (rows % context != 0) {
            throw new IllegalArgumentException(rows + " rows are no whole sequences of " + context);
        }
        return rows / context;
    }

    /** Row stride of the stored probabilities: the context rounded up to 16, so that vectors never cross a row. */
    public int probabilityStride() {
        return (context + 15) / 16 * 16;
    }

    /** Probabilities one sequence stores. */
    public long probabilities() {
        return (long) heads * context * probabilityStride();
    }
}
