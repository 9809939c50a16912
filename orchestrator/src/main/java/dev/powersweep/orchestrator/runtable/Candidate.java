package dev.powersweep.orchestrator.runtable;

import dev.powersweep.fitting.runs.Quantity;

/**
 * A header that may stand for a quantity.
 *
 * @param index position of its column
 * @param factor that its numbers are multiplied with, as its unit says
 * @param rank the lower, the surer; those of equal rank have the same claim
 */
record Candidate(Quantity column, int index, double factor, int rank) {
    /** From this rank on the header is a single letter. */
    static final int LETTER = 8000;

    boolean letter() {
        return rank >= LETTER;
    }
}
