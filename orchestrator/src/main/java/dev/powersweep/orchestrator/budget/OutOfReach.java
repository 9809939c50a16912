package dev.powersweep.orchestrator.budget;

/** A plan lies so far from the fitted runs that its numbers would be no predictions. */
public final class OutOfReach extends RuntimeException {
    private static final long serialVersionUID = 1L;

    OutOfReach(String sentence) {
        super(sentence);
    }
}
