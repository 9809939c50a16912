package dev.powersweep.worker.cell;

/** Where a cell stands; each change is appended to the ledger, never overwritten. */
public enum CellState {
    PLANNED(false),
    RUNNING(false),
    /** Trained to its last step, or stopped early by its own rule. */
    FINISHED(true),
    /** NaN, infinity or a loss above the bound: a result, with the step it happened at. */
    DIVERGED(true),
    /** Ended by a {@link FailureClass}; {@code rerun} takes it up again. */
    FAILED(true),
    /** Its attempt was cut short from outside; goes on from its checkpoint. */
    INTERRUPTED(false);

    private final boolean terminal;

    CellState(boolean terminal) {
        this.terminal = terminal;
    }

    /** Whether no further attempt begins without a user's word. */
    public boolean terminal() {
        return terminal;
    }
}
