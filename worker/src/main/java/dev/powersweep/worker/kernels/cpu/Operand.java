package dev.powersweep.worker.kernels.cpu;

import org.bytedeco.javacpp.FloatPointer;
import org.bytedeco.javacpp.Pointer;

/** A pointer that is moved instead of made anew for each call. */
final class Operand extends FloatPointer {

    Operand() {
        super((Pointer) null);
    }

    void address(long at) {
        address = at;
    }
}
