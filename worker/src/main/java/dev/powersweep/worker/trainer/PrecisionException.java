package dev.powersweep.worker.trainer;

import dev.powersweep.worker.cell.Precision;

/** A cell asks for numbers that this device does not multiply; another one may. */
final class PrecisionException extends RuntimeException {

    private static final long serialVersionUID = 1L;

    /** @param here the device and what it does, as a clause */
    PrecisionException(Precision asked, String here) {
        super("training.precision = " + asked.word() + " needs " + need(asked) + "; " + here);
    }

    private static String need(Precision asked) {
        String card = "a GPU of compute capability 8.0 or more and PowerSweep's kernels for it";
        return asked == Precision.BFLOAT16 ? card + ", or a CPU with AVX512-BF16 or AMX" : card;
    }
}
