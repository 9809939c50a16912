package dev.powersweep.worker.gpu;

/** How a step of a cell ended, in the order of cell.cuh's numbers. */
enum StepOutcome {
    GOES_ON,
    /** Loss or gradient; the step made no update. */
    NOT_FINITE,
    /** The loss, for as many steps as the cell allows; the step made no update. */
    ABOVE_BOUND;

    static StepOutcome of(long number) {
        return values()[Math.toIntExact(number)];
    }
}
