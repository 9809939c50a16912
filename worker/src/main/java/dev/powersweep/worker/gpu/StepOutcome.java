package dev.powersweep.worker.gpu;

/** How a step of a cell ended, in the order of cell.cuh's numbers. */
enum StepOutcome {
    GOES_ON,
    /** Loss or gradient; the step made no update. */
    NOT_FINITE,
    /** The loss, for as many steps as the cell allows; the step made no update. */
    ABOVE_BOUND,
    /** No step was tried: the cell stands still while others of its group take theirs. */
    WAITS;

    static StepOutcome of(long number) {
        return values()[Math.toIntExact(number)];
    }
}
