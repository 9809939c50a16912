package dev.powersweep.worker.trainer;

import dev.powersweep.worker.cell.Precision;

/** A cell asks for numbers that this device does not multiply; another one may. */
final class PrecisionException extends RuntimeException {

    private static final long serialVersionUID = 1L;

    /** @param here the device and what it does, as a clause */
    PrecisionException(Precision asked, String here) {
        super("training.precision = " + asked.word()
                + " needs a GPU of compute capability 8.0 or more and PowerSweep's kernels for it; " + here);
    }
}
