package dev.powersweep.orchestrator.runtable;

import dev.powersweep.fitting.runs.Quantity;
import java.util.OptionalInt;

/**
 * A header that may stand for a quantity.
 *
 * @param index position of its column
 * @param factor that its numbers are multiplied with, as its unit says
 * @param rank the lower, the surer; those of equal rank have the same claim
 * @param logarithm whether the logarithm of its numbers is the quantity
 */
record Candidate(Quantity column, int index, double factor, int rank, boolean logarithm) {
    /** Rank of a single letter: of a capital, and of a small one behind it. */
    static final int LETTER = 8000;

    static final int SMALL_LETTER = LETTER + 1;

    Candidate(Quantity column, int index, double factor, int rank) {
        this(column, index, factor, rank, false);
    }

    /** Where the quantity is found if this one is chosen. */
    ColumnChoice.Place place() {
        return new ColumnChoice.Place(index, factor, OptionalInt.empty(), logarithm);
    }

    boolean letter() {
        return rank == LETTER || rank == SMALL_LETTER;
    }
}
