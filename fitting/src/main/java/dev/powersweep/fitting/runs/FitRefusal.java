package dev.powersweep.fitting.runs;

/**
 * Says why a fit cannot be had from these data: a {@link Reason} for programs and one sentence for people that names the
 * place, the value and the remedy.
 */
public final class FitRefusal extends RuntimeException {
    private static final long serialVersionUID = 1L;

    /** The kinds of refusal. */
    public enum Reason {
        /** A number is NaN or infinite. */
        NOT_FINITE,
        /** A loss, size, count or weight is zero or negative. */
        NOT_POSITIVE,
        /** A column that the law needs is absent. */
        MISSING_COLUMN,
        /** Columns differ in length. */
        LENGTH_MISMATCH,
        /** Two rows are equal in everything. */
        DUPLICATE_ROWS,
        /** Fewer rows than the law has parameters, or none to spare. */
        TOO_FEW_POINTS,
        /** A column varies too little: one data size, one model size, one batch size. */
        TOO_FEW_SIZES,
        /** Rows of one column seem to be counted in different units. */
        MIXED_UNITS,
        /** Two columns move together, so that their effects cannot be told apart. */
        COLLINEAR,
        /** A curve that ought to have a minimum inside its range has none. */
        NO_INTERIOR_MINIMUM,
        /** The best value lies at the edge of the range that was measured. */
        EDGE_MINIMUM,
        /** The optimiser could not prove a minimum. */
        NOT_CONVERGED,
        /** No law of that name. */
        UNKNOWN_LAW,
        /** An option is out of its range. */
        BAD_OPTION
    }

    private final Reason reason;

    /**
     * @param reason what kind of refusal this is
     * @param sentence one sentence for people: place, value, remedy
     */
    public FitRefusal(Reason reason, String sentence) {
        super(sentence);
        this.reason = reason;
    }

    /** The kind of refusal, for programs. */
    public Reason reason() {
        return reason;
    }

    /** The sentence for people. */
    public String sentence() {
        return getMessage();
    }
}
