package dev.powersweep.worker.gpu;

/** Numbers of 8 bits of significand. */
final class BFloat16 {

    private BFloat16() {}

    /** The nearest, ties to even. */
    static float round(float x) {
        int bits = Float.floatToRawIntBits(x);
        return Float.intBitsToFloat(bits + 0x7FFF + (bits >>> 16 & 1) & 0xFFFF0000);
    }
}
