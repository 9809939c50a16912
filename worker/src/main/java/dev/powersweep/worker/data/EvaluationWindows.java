package dev.powersweep.worker.data;

import dev.powersweep.worker.cell.Cell;
import dev.powersweep.worker.shard.ShardManifest;
import dev.powersweep.worker.train.EvaluationSource;

/**
 * The windows of a held-out set that a cell is scored on: the same ones every time, spread evenly over the file so that
 * a small sample represents all of it, and never overlapping in their targets.
 */
public final class EvaluationWindows implements EvaluationSource {
    private final String set;
    private final StoredTokens tokens;
    private final int context;
    private final long available;
    private final int sequences;
    private final double bytesPerToken;

    private EvaluationWindows(
            String set, StoredTokens tokens, int context, long available, int sequences, double bytesPerToken) {
        this.set = set;
        this.tokens = tokens;
        this.context = context;
        this.available = available;
        this.sequences = sequences;
        this.bytesPerToken = bytesPerToken;
    }

    /**
     * The windows of the set named {@code set}; as many as {@code evaluation.tokens} holds, at least one, at most what
     * the set has.
     *
     * @throws ShardException when the shard has no such set or the set is shorter than a sequence
     */
    public static EvaluationWindows of(Cell cell, Shard shard, String set) {
        StoredTokens tokens = shard.evaluation(set);
        int context = cell.shape().context();
        if (tokens.tokens() <= context) {
            throw ShardException.unsuitable("model.context = " + context + " is too long for the evaluation set '" + set
                    + "' of the shard in " + shard.directory() + ", which has " + tokens.tokens()
                    + " tokens; a sequence needs context + 1 of them.");
        }
        long available = (tokens.tokens() - 1) / context;
        long wanted = Math.max(1, cell.evaluation().tokens() / context);
        ShardManifest.TokenFile file = shard.evaluationFile(set);
        return new EvaluationWindows(
                set,
                tokens,
                context,
                available,
                Math.toIntExact(Math.min(wanted, available)),
                (double) file.textBytes() / file.tokens());
    }

    public String set() {
        return set;
    }

    @Override
    public int sequences() {
        return sequences;
    }

    /** Tokens scored: every window's targets. */
    public long tokens() {
        return (long) sequences * context;
    }

    @Override
    public void sequence(int index, int[] inputs, int[] targets, int offset) {
        long start = start(index);
        tokens.read(start, context, inputs, offset);
        tokens.read(start + 1, context, targets, offset);
    }

    long start(int index) {
        if (index < 0 || index >= sequences) {
            throw new IndexOutOfBoundsException("evaluation sequence " + index + " of " + sequences);
        }
        // Whole strides, so that two windows share no target.
        long window = (long) ((double) index * available / sequences);
        return window * context;
    }

    /** Bits per byte of text for a loss in nats per token, by the set's mean bytes per token. */
    public double bitsPerByte(double nats) {
        return nats / Math.log(2) / bytesPerToken;
    }
}
