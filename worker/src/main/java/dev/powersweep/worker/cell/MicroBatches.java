package dev.powersweep.worker.cell;

/**
 * How a trainer cuts a batch, all counts in sequences. Depends on the cell and the wish alone, never on the machine, so
 * that results do not either.
 *
 * @param sequences of a micro-batch, a divisor of the batch: their mean gradient gives one |G_small|²
 * @param passSequences most sequences of one forward and backward pass, ≤ {@code sequences}
 * @param count micro-batches of a batch
 */
public record MicroBatches(int sequences, int passSequences, int count) {

    /**
     * Activations of a pass should stay in a second-level cache of about 1 MiB; fewer rows than the lower bound make
     * the products inefficient.
     */
    private static final int FEWEST_PASS_TOKENS = 128;

    private static final int MOST_PASS_TOKENS = 256;

    /**
     * @param batchSequences of the batch, ≥ 1
     * @param mostSequences most sequences of a pass; 0 to choose: two micro-batches where the batch can be halved, since
     *     each costs one more pass over the gradient vector, and passes of a few hundred tokens. Fewer than the micro-batch
     *     has cut its passes alone, so that a run with less memory reports the same |G_small|²
     */
    public static MicroBatches of(ModelShape shape, int batchSequences, int mostSequences) {
        int sequences = batchSequences == 1 ? 1 : largestDivisor(batchSequences, batchSequences / 2);
        if (mostSequences > sequences) {
            int most = largestDivisor(batchSequences, mostSequences);
            return new MicroBatches(most, most, batchSequences / most);
        }
        int tokens = Math.min(MOST_PASS_TOKENS, Math.max(FEWEST_PASS_TOKENS, shape.width() * 2));
        int pass = Math.max(1, Math.min(sequences, tokens / shape.context()));
        if (mostSequences > 0) {
            pass = Math.min(pass, mostSequences);
        }
        return new MicroBatches(sequences, largestDivisor(sequences, pass), batchSequences / sequences);
    }

    private static int largestDivisor(int number, int most) {
        for (int divisor = Math.min(number, most); divisor > 1; divisor--) {
            if (number % divisor == 0) {
                return divisor;
            }
        }
        return 1;
    }
}
