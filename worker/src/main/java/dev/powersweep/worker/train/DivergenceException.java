package dev.powersweep.worker.train;

/** A run's loss or gradient left the finite numbers, or stayed above the cell's bound for its window. */
public final class DivergenceException extends Exception {

    private static final long serialVersionUID = 1L;
    private final transient StepRecord record;

    public DivergenceException(String reason, StepRecord record) {
        super(reason);
        this.record = record;
    }

    /** The step that showed it; its numbers may not be finite, and its update was not made if they are not. */
    public StepRecord record() {
        return record;
    }
}
