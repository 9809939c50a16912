package dev.powersweep.worker.gpu;

import java.nio.ByteBuffer;

/**
 * Where a cell stands between steps, as kernels keep it (cell.cuh).
 *
 * @param steps made so far
 * @param stepsAboveBound consecutive ones whose loss was above the divergence bound
 * @param outcome how the last step that was tried ended
 */
record CellStanding(long steps, int stepsAboveBound, StepOutcome outcome) {

    /** With the plan and the factor of the step in progress, which are kernels' own. */
    static final int BYTES = Long.BYTES + 2 * Integer.BYTES + StepPlan.BYTES + 2 * Float.BYTES;

    /** Where the outcome stands among these bytes. */
    static final int OUTCOME_AT = Long.BYTES + Integer.BYTES;

    static CellStanding read(ByteBuffer from) {
        int at = from.position();
        from.position(at + BYTES);
        return new CellStanding(from.getLong(at), from.getInt(at + 8), StepOutcome.of(from.getInt(at + OUTCOME_AT)));
    }

    void write(ByteBuffer to) {
        int end = to.position() + BYTES;
        to.putLong(steps).putInt(stepsAboveBound).putInt(outcome.ordinal());
        while (to.position() < end) {
            to.put((byte) 0);
        }
    }
}
