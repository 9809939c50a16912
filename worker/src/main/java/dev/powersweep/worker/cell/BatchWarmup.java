package dev.powersweep.worker.cell;

import java.util.List;

/**
 * Smaller batches that a run begins with (Merrill et al. 2025, arXiv 2505.23971, section 5); the cell's own batch follows the
 * last stage.
 *
 * @param stages in the order of the steps, each with a larger batch than the one before
 */
public record BatchWarmup(List<Stage> stages) {

    /**
     * Steps of one batch size.
     *
     * @param steps optimiser steps, ≥ 1
     * @param batchSequences sequences per step, ≥ 1
     * @param rateFactor of the learning rate that the step would have without it, in (0, 1]
     */
    public record Stage(long steps, int batchSequences, double rateFactor) {
        public Stage {
            require(steps >= 1, "steps", steps, "at least 1");
            require(batchSequences >= 1, "batchSequences", batchSequences, "at least 1");
            require(rateFactor > 0 && rateFactor <= 1, "rateFactor", rateFactor, "in (0, 1]");
        }

        private static void require(boolean holds, String name, Number value, String bound) {
            if (!holds) {
                throw new IllegalArgumentException(
                        "data.batchWarmup.stages." + name + " = " + value + " must be " + bound);
            }
        }
    }

    public BatchWarmup {
        stages = List.copyOf(stages);
        if (stages.isEmpty()) {
            throw new IllegalArgumentException("data.batchWarmup.stages is empty; leave data.batchWarmup out");
        }
        for (int i = 1; i < stages.size(); i++) {
            int before = stages.get(i - 1).batchSequences();
            int batch = stages.get(i).batchSequences();
            if (batch <= before) {
                throw new IllegalArgumentException("data.batchWarmup.stages.batchSequences = " + batch
                        + " must be more than that of the stage before, " + before);
            }
        }
    }

    /** Steps of all stages. */
    public long totalSteps() {
        return stages.stream().mapToLong(Stage::steps).sum();
    }

    /** Sequences of the first {@code step} steps, those after the warm-up left out. */
    long sequencesThrough(long step) {
        long left = step;
        long sequences = 0;
        for (Stage stage : stages) {
            long within = Math.min(left, stage.steps());
            sequences += within * stage.batchSequences();
            left -= within;
        }
        return sequences;
    }

    /** Sequences of a step's batch; {@code after} for one that follows the warm-up. */
    int sequencesAt(long step, int after) {
        long last = 0;
        for (Stage stage : stages) {
            last += stage.steps();
            if (step <= last) {
                return stage.batchSequences();
            }
        }
        return after;
    }

    /**
     * What a step's learning rate is multiplied with; 1 after the warm-up.
     *
     * @param step 1 for the first step
     */
    double rateFactor(long step) {
        long last = 0;
        for (Stage stage : stages) {
            last += stage.steps();
            if (step <= last) {
                return stage.rateFactor();
            }
        }
        return 1;
    }
}
