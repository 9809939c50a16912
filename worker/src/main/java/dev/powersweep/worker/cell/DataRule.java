package dev.powersweep.worker.cell;

import com.fasterxml.jackson.annotation.JsonIgnore;
import com.fasterxml.jackson.annotation.JsonInclude;
import java.util.List;
import java.util.Optional;

/**
 * What a cell reads.
 *
 * @param corpusHash identity of the tokenised corpus (text, split and tokenizer together)
 * @param steps optimiser steps S ≥ 1
 * @param batchSequences sequences per step, after a warm-up of the batch or after a branch; B = batchSequences · context
 *     tokens
 * @param uniqueTokens U: the training tokens the run may see, the first U of the training shard; with D above U
 *     they are seen again, reshuffled each epoch
 * @param batchWarmup smaller batches of the first steps; empty for B from the first step on, as every cell had before
 *     there was a choice
 * @param branch where the run leaves another one, of which it is the first steps; empty for a run of its own
 */
public record DataRule(
        String corpusHash,
        long steps,
        int batchSequences,
        long uniqueTokens,
        @JsonInclude(JsonInclude.Include.NON_ABSENT) Optional<BatchWarmup> batchWarmup,
        @JsonInclude(JsonInclude.Include.NON_ABSENT) Optional<Branch> branch) {
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
            if (branch.isPresent()) {
                throw new IllegalArgumentException("data.branch and data.batchWarmup do not go together");
            }
        }
        if (branch.isPresent() && steps <= branch.get().steps()) {
            throw new IllegalArgumentException("data.steps = " + steps + " must be more than the "
                    + branch.get().steps() + " steps of the trunk in data.branch");
        }
    }

    /** Of a run of its own. */
    public DataRule(
            String corpusHash, long steps, int batchSequences, long uniqueTokens, Optional<BatchWarmup> batchWarmup) {
        this(corpusHash, steps, batchSequences, uniqueTokens, batchWarmup, Optional.empty());
    }

    /** With one batch size from the first step to the last. */
    public DataRule(String corpusHash, long steps, int batchSequences, long uniqueTokens) {
        this(corpusHash, steps, batchSequences, uniqueTokens, Optional.empty());
    }

    /** Stretches at the beginning whose batch is another than {@link #batchSequences}, in the order of the steps. */
    public List<BatchWarmup.Stage> leadingStages() {
        if (branch.isPresent()) {
            Branch trunk = branch.get();
            return List.of(new BatchWarmup.Stage(trunk.steps(), trunk.batchSequences(), 1));
        }
        return batchWarmup.map(BatchWarmup::stages).orElse(List.of());
    }

    /** Steps of a warm-up of the batch, all at the beginning. */
    public long warmupSteps() {
        return batchWarmup.map(BatchWarmup::totalSteps).orElse(0L);
    }

    /** Steps before the first one with the batch {@link #batchSequences}. */
    public long leadingSteps() {
        return branch.map(Branch::steps).orElse(warmupSteps());
    }

    /** The largest batch of any step, in sequences. */
    public int mostSequences() {
        return Math.max(batchSequences, branch.map(Branch::batchSequences).orElse(0));
    }

    /** @param step 1 for the first step */
    public int sequencesAt(long step) {
        if (branch.isPresent()) {
            return step <= branch.get().steps() ? branch.get().batchSequences() : batchSequences;
        }
        return batchWarmup
                .map(warmup -> warmup.sequencesAt(step, batchSequences))
                .orElse(batchSequences);
    }

    /** Sequences of the first {@code step} steps together. */
    public long sequencesThrough(long step) {
        long leading = branch.map(trunk -> Math.min(step, trunk.steps()) * trunk.batchSequences())
                .orElseGet(() ->
                        batchWarmup.map(warmup -> warmup.sequencesThrough(step)).orElse(0L));
        return leading + Math.max(0, step - leadingSteps()) * batchSequences;
    }

    /** Whether there are tokens of ours to read. */
    @JsonIgnore
    public boolean hasCorpus() {
        return !corpusHash.equals(NO_CORPUS);
    }
}
