package dev.powersweep.worker.cell;

/**
 * A run that goes on from the state of another one, its trunk, with another batch and at a constant rate, to see what the batch costs
 * there (Merrill et al. 2025, arXiv 2505.23971, section 3). Up to the branch it is the trunk, step by step.
 *
 * @param steps of the trunk before the branch, ≥ 1; after its warm-up
 * @param batchSequences sequences per step of the trunk, ≥ 1
 * @param rateFactor of the trunk's peak learning rate after the branch, above 0
 */
public record Branch(long steps, int batchSequences, double rateFactor) {
    public Branch {
        require(steps >= 1, "steps", steps, "at least 1");
        require(batchSequences >= 1, "batchSequences", batchSequences, "at least 1");
        require(rateFactor > 0 && rateFactor < Double.POSITIVE_INFINITY, "rateFactor", rateFactor, "above 0");
    }

    private static void require(boolean holds, String name, Number value, String bound) {
        if (!holds) {
            throw new IllegalArgumentException("data.branch." + name + " = " + value + " must be " + bound);
        }
    }
}
