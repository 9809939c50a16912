package dev.powersweep.worker.data;

import dev.powersweep.worker.shard.ShardManifest;
import java.nio.file.Path;
import java.util.List;
import java.util.NoSuchElementException;
import java.util.stream.IntStream;
import org.nd4j.linalg.api.buffer.DataType;
import org.nd4j.linalg.api.ndarray.INDArray;
import org.nd4j.linalg.dataset.DataSet;
import org.nd4j.linalg.dataset.api.DataSetPreProcessor;
import org.nd4j.linalg.dataset.api.iterator.DataSetIterator;
import org.nd4j.linalg.factory.Nd4j;

/**
 * Windows of tokens for Deeplearning4j's {@code fit} and {@code evaluate}: features are token ids [sequences, context],
 * labels the ids that follow them, or {@linkplain #oneHot one-hot}. The last batch of an epoch may be smaller.
 *
 * <p>It reads while it is asked: Deeplearning4j's prefetching thread is ended by an interrupt, which would close the file.
 */
public final class TokenIterator implements DataSetIterator {
    private static final long serialVersionUID = 1L;

    /** Where windows come from. */
    private interface Windows {
        /** Copies {@code context} tokens and those that follow them; windows are numbered through all epochs. */
        void read(long number, int[] inputs, int[] targets, int offset);
    }

    private enum Labels {
        IDS,
        ONE_HOT
    }

    private final transient Windows windows;
    private final long windowsPerEpoch;
    private final int vocabulary;
    private final int context;
    private final int batchSequences;
    private final Labels labels;
    private long epoch;
    private long next;
    private DataSetPreProcessor preProcessor;

    private TokenIterator(
            Windows windows, long windowsPerEpoch, int vocabulary, int context, int batchSequences, Labels labels) {
        this.windows = windows;
        this.windowsPerEpoch = windowsPerEpoch;
        this.vocabulary = vocabulary;
        this.context = context;
        this.batchSequences = batchSequences;
        this.labels = labels;
    }

    /**
     * All training tokens of a corpus, in another order in every epoch.
     *
     * @param shard a sweep's {@code DIR/corpus/HASH}, or another directory with a {@code shard.json}
     * @param context tokens of a window
     * @param batchSequences windows of a batch
     * @param seed of the order
     * @throws ShardException when the shard cannot be read or is shorter than a window
     */
    public static TokenIterator training(Path shard, int context, int batchSequences, long seed) {
        require(context, batchSequences);
        Shard open = new ShardStore().open(shard);
        TrainingWindows windows = TrainingWindows.of(open, context, seed);
        return new TokenIterator(
                windows::window, windows.windows(), open.manifest().vocabulary(), context, batchSequences, Labels.IDS);
    }

    /**
     * A held-out set of a corpus, from its beginning to its end.
     *
     * @param set such as {@value dev.powersweep.worker.shard.ShardManifest#VALIDATION}
     * @throws ShardException when the shard cannot be read, has no such set, or that is shorter than a window
     */
    public static TokenIterator evaluation(Path shard, String set, int context, int batchSequences) {
        require(context, batchSequences);
        Shard open = new ShardStore().open(shard);
        ShardManifest manifest = open.manifest();
        StoredTokens tokens = open.evaluation(set);
        if (tokens.tokens() <= context) {
            throw ShardException.unsuitable("context = " + context + " is too long for the evaluation set '" + set
                    + "' of the shard in " + shard + ", which has " + tokens.tokens()
                    + " tokens; a window needs context + 1 of them.");
        }
        long count = (tokens.tokens() - 1) / context;
        return new TokenIterator(
                (number, inputs, targets, offset) -> {
                    long start = number % count * context;
                    tokens.read(start, context, inputs, offset);
                    tokens.read(start + 1, context, targets, offset);
                },
                count,
                manifest.vocabulary(),
                context,
                batchSequences,
                Labels.IDS);
    }

    /**
     * Tokens of one's own, from the first to the last.
     *
     * @param vocabulary token kinds
     * @throws IllegalArgumentException when they are fewer than a window needs
     */
    public static TokenIterator of(int[] tokens, int vocabulary, int context, int batchSequences) {
        require(context, batchSequences);
        if (tokens.length <= context) {
            throw new IllegalArgumentException("context = " + context + " is too long for " + tokens.length
                    + " tokens; a window needs context + 1 of them");
        }
        int[] all = tokens.clone();
        long count = (all.length - 1) / context;
        return new TokenIterator(
                (number, inputs, targets, offset) -> {
                    int start = (int) (number % count) * context;
                    System.arraycopy(all, start, inputs, offset, context);
                    System.arraycopy(all, start + 1, targets, offset, context);
                },
                count,
                vocabulary,
                context,
                batchSequences,
                Labels.IDS);
    }

    private static void require(int context, int batchSequences) {
        if (context < 1 || batchSequences < 1) {
            throw new IllegalArgumentException(
                    "context = " + context + " and batchSequences = " + batchSequences + " must be at least 1");
        }
    }

    /**
     * The same with labels [sequences, vocabulary, context], which {@code evaluate} and {@code EvaluativeListener} need.
     * They have vocabulary · 4 bytes a token.
     */
    public TokenIterator oneHot() {
        return new TokenIterator(windows, windowsPerEpoch, vocabulary, context, batchSequences, Labels.ONE_HOT);
    }

    @Override
    public boolean hasNext() {
        return next < windowsPerEpoch;
    }

    @Override
    public DataSet next() {
        return next(batchSequences);
    }

    @Override
    public DataSet next(int most) {
        if (!hasNext()) {
            throw new NoSuchElementException("the epoch has ended; reset the iterator to begin another one");
        }
        int sequences = (int) Math.min(most, windowsPerEpoch - next);
        int[] inputs = new int[sequences * context];
        int[] targets = new int[sequences * context];
        for (int sequence = 0; sequence < sequences; sequence++) {
            windows.read(epoch * windowsPerEpoch + next + sequence, inputs, targets, sequence * context);
        }
        next += sequences;
        DataSet batch = new DataSet(ids(inputs), labels == Labels.IDS ? ids(targets) : oneHot(targets));
        if (preProcessor != null) {
            preProcessor.preProcess(batch);
        }
        return batch;
    }

    /** Single precision has every id of the largest vocabulary, 2^24. */
    private INDArray ids(int[] tokens) {
        return Nd4j.createFromArray(tokens)
                .castTo(DataType.FLOAT)
                .reshape('c', new long[] {tokens.length / context, context});
    }

    private INDArray oneHot(int[] tokens) {
        INDArray made = Nd4j.zeros(DataType.FLOAT, tokens.length / context, vocabulary, context);
        for (int i = 0; i < tokens.length; i++) {
            made.putScalar(i / context, tokens[i], i % context, 1);
        }
        return made;
    }

    /** Begins the next epoch. */
    @Override
    public void reset() {
        if (next > 0) {
            epoch++;
            next = 0;
        }
    }

    @Override
    public boolean resetSupported() {
        return true;
    }

    @Override
    public boolean asyncSupported() {
        return false;
    }

    @Override
    public int batch() {
        return batchSequences;
    }

    @Override
    public int inputColumns() {
        return context;
    }

    @Override
    public int totalOutcomes() {
        return vocabulary;
    }

    /** Token ids: Deeplearning4j counts its classes by their names. */
    @Override
    public List<String> getLabels() {
        return IntStream.range(0, vocabulary).mapToObj(Integer::toString).toList();
    }

    @Override
    public void setPreProcessor(DataSetPreProcessor preProcessor) {
        this.preProcessor = preProcessor;
    }

    @Override
    public DataSetPreProcessor getPreProcessor() {
        return preProcessor;
    }
}
