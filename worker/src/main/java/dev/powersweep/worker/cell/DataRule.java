package dev.powersweep.worker.cell;

import com.fasterxml.jackson.annotation.JsonIgnore;

/**
 * What a cell reads.
 *
 * @param corpusHash identity of the tokenised corpus (text, split and tokenizer together)
 * @param steps optimiser steps S ≥ 1
 * @param batchSequences sequences per step; B = batchSequences · context tokens
 * @param uniqueTokens U: the training tokens the run may see, the first U of the training shard; with D = B·S above U
 *     they are seen again, reshuffled each epoch
 */
public record DataRule(String corpusHash, long steps, int batchSequences, long uniqueTokens) {
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
    }

    /** Whether there are tokens of ours to read. */
    @JsonIgnore
    public boolean hasCorpus() {
        return !corpusHash.equals(NO_CORPUS);
    }
}
