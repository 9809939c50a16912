package dev.powersweep.worker.data;

import dev.powersweep.worker.cell.Cell;
import dev.powersweep.worker.cell.DataRule;
import dev.powersweep.worker.shard.ShardManifest;
import dev.powersweep.worker.train.RingSource;

/**
 * Which tokens each step of a cell trains on: a pure function of the cell and the step, so that a resumed run needs no
 * more than its step number.
 *
 * <p>The first U training tokens form a ring. Each epoch cuts it, from a random offset of its own, into ⌊U/T⌋ windows of
 * T + 1 tokens that follow each other with stride T (the last token of one is the first of the next), and visits them in
 * a random order of its own. A run with D = U and T dividing U so sees every token as a target exactly once. Documents
 * are simply concatenated: a window may span several.
 */
public final class TrainingWindows implements RingSource {
    /** Keeps the data order's stream apart from others drawn from the same seed. */
    private static final long STREAM = 0x64617461L;

    private final StoredTokens tokens;
    private final long uniqueTokens;
    private final int context;
    private final DataRule data;
    private final long windows;
    private final long key;
    private long epoch = -1;
    private long epochOffset;
    private Permutation epochOrder;

    private TrainingWindows(StoredTokens tokens, DataRule data, int context, long seed) {
        this.tokens = tokens;
        this.uniqueTokens = data.uniqueTokens();
        this.context = context;
        this.data = data;
        this.windows = uniqueTokens / context;
        this.key = Mixing.mix(seed, STREAM);
    }

    /**
     * The training windows of {@code cell} in {@code shard}.
     *
     * @throws ShardException when the shard is another corpus, has another vocabulary, or is too short
     */
    public static TrainingWindows of(Cell cell, Shard shard) {
        ShardManifest manifest = shard.manifest();
        if (!manifest.corpusHash().equals(cell.data().corpusHash())) {
            throw ShardException.unsuitable("The shard in " + shard.directory() + " holds the corpus "
                    + manifest.corpusHash() + ", the cell needs " + cell.data().corpusHash()
                    + "; give the shard that was made for this sweep.");
        }
        if (manifest.vocabulary() != cell.shape().vocabulary()) {
            throw ShardException.unsuitable("model.vocabulary = " + cell.shape().vocabulary()
                    + " must equal the vocabulary of the shard's tokenizer " + manifest.tokenizer() + ", "
                    + manifest.vocabulary() + ".");
        }
        StoredTokens train = shard.train();
        if (train.tokens() <= cell.shape().context()) {
            throw tooShort(shard, cell.shape().context());
        }
        long unique = cell.data().uniqueTokens();
        if (unique > train.tokens()) {
            throw ShardException.unsuitable("data.uniqueTokens = " + unique + " is more than the " + train.tokens()
                    + " training tokens of the shard in " + shard.directory() + "; lower it or add text.");
        }
        if (unique <= cell.shape().context()) {
            throw ShardException.unsuitable("model.context = " + cell.shape().context()
                    + " is too long for data.uniqueTokens = " + unique + "; a sequence needs context + 1 tokens.");
        }
        return new TrainingWindows(train, cell.data(), cell.shape().context(), cell.randomSeed());
    }

    /**
     * All training tokens of a shard, in the order of a seed.
     *
     * @throws ShardException when the shard is too short
     */
    static TrainingWindows of(Shard shard, int context, long seed) {
        StoredTokens train = shard.train();
        if (train.tokens() <= context) {
            throw tooShort(shard, context);
        }
        DataRule one = new DataRule(shard.manifest().corpusHash(), 1, 1, train.tokens());
        return new TrainingWindows(train, one, context, seed);
    }

    private static ShardException tooShort(Shard shard, int context) {
        return ShardException.unsuitable("model.context = " + context + " is too long for the shard in "
                + shard.directory() + ", which has " + shard.train().tokens()
                + " training tokens; a sequence needs context + 1 of them.");
    }

    /** Windows of an epoch. */
    public long windows() {
        return windows;
    }

    /** The epoch, from 0, that sequence {@code row} of a step belongs to. */
    long epoch(long step, int row) {
        return sequence(step, row) / windows;
    }

    @Override
    public long ringTokens() {
        return uniqueTokens;
    }

    @Override
    public void ring(long position, int count, int[] to) {
        tokens.read(position, count, to, 0);
    }

    @Override
    public Object tokens() {
        return tokens;
    }

    @Override
    public long start(long step, int row) {
        return start(sequence(step, row));
    }

    private long start(long sequence) {
        long wanted = sequence / windows;
        if (wanted != epoch) {
            epoch = wanted;
            long epochKey = Mixing.mix(key, wanted);
            epochOrder = new Permutation(windows, epochKey);
            epochOffset = Long.remainderUnsigned(Mixing.mix(epochKey, -1), context);
        }
        return (epochOffset + epochOrder.at(sequence % windows) * context) % uniqueTokens;
    }

    @Override
    public void batch(long step, int[] inputs, int[] targets) {
        int sequences = data.sequencesAt(step);
        for (int row = 0; row < sequences; row++) {
            read(start(step, row), inputs, targets, row * context);
        }
    }

    /** Copies a window of any epoch; they are numbered through from 0 on, {@link #windows()} an epoch. */
    void window(long number, int[] inputs, int[] targets, int offset) {
        read(start(number), inputs, targets, offset);
    }

    private void read(long start, int[] inputs, int[] targets, int offset) {
        int first = (int) Math.min(context, uniqueTokens - start);
        tokens.read(start, first, inputs, offset);
        tokens.read(0, context - first, inputs, offset + first);
        System.arraycopy(inputs, offset + 1, targets, offset, context - 1);
        tokens.read((start + context) % uniqueTokens, 1, targets, offset + context - 1);
    }

    private long sequence(long step, int row) {
        if (step < 1 || row < 0 || row >= data.sequencesAt(step)) {
            throw new IndexOutOfBoundsException("sequence " + row + " of step " + step);
        }
        return data.sequencesThrough(step - 1) + row;
    }
}
