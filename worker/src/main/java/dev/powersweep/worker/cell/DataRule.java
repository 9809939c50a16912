package dev.powersweep.worker.cell;

import com.fasterxml.jackson.annotation.JsonIgnore;
import com.fasterxml.jackson.annotation.JsonInclude;
import java.util.Optional;

/**
 * What a cell reads.
 *
 * @param corpusHash identity of the tokenised corpus (text, split and tokenizer together)
 * @param steps optimiser steps S ≥ 1
 * @param batchSequences sequences per step, after a warm-up of the batch; B = batchSequences · context tokens
 * @param uniqueTokens U: the training tokens the run may see, the first U of the training shard; with D above U
 *     they are seen again, reshuffled each epoch
 * @param batchWarmup smaller batches of the first steps; empty for B from the first step on, as every cell had before
 *     there was a choice
 */
public record DataRule(
        String corpusHash,
        long steps,
        int batchSequences,
        long uniqueTokens,
        @JsonInclude(JsonInclude.Include.NON_ABSENT) Optional<BatchWarmup> batchWarmup) {
    /** In place of a hash: the program brings its own data. No corpus has it. */
    public static final String NO_CORPUS = "0".repeat(16);

    public DataRule {
        if (steps < 1) {
            throw new IllegalArgumentException("data.steps = " + steps + " must be at least 1");
        }
        if (batchSequences < 1) {
            throw new IllegalArgumentException("data.batchSequences = " + batchSequences + " must be at least 1");
        }
        if (uniqueTokens < 2) {
            throw new IllegalArgumentException("data.uniqueTokens = " + uniqueTokens + " must be at least 2");
        }
        if (batchWarmup.isPresent()) {
            BatchWarmup warmup = batchWarmup.get();
            int last = warmup.stages().get(warmup.stages().size() - 1).batchSequences();
            if (last >= batchSequences) {
                throw new IllegalArgumentException("data.batchSequences = " + batchSequences
                        + " must be more than that of the last stage of data.batchWarmup, " + last);
            }
            if (steps <= warmup.totalSteps()) {
                throw new IllegalArgumentException("data.steps = " + steps + " must be more than the "
                        + warmup.totalSteps() + " steps of data.batchWarmup");
            }
        }
    }

    /** With one batch size from the first step to the last. */
    public DataRule(String corpusHash, long steps, int batchSequences, long uniqueTokens) {
        this(corpusHash, steps, batchSequences, uniqueTokens, Optional.empty());
    }

    /** Steps with a smaller batch than {@link #batchSequences}, all at the beginning. */
    public long warmupSteps() {
        return batchWarmup.map(BatchWarmup::totalSteps).orElse(0L);
    }

    /** @param step 1 for the first step */
    public int sequencesAt(long step) {
        return batchWarmup
                .map(warmup -> warmup.sequencesAt(step, batchSequences))
                .orElse(batchSequences);
    }

    /** Sequences of the first {@code step} steps together. */
    public long sequencesThrough(long step) {
        return batchWarmup.map(warmup -> warmup.sequencesThrough(step)).orElse(0L)
                + Math.max(0, step - warmupSteps()) * batchSequences;
    }

    /** Whether there are tokens of ours to read. */
    @JsonIgnore
    public boolean hasCorpus() {
        return !corpusHash.equals(NO_CORPUS);
    }
}
