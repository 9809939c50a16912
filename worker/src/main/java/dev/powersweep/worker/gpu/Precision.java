package dev.powersweep.worker.gpu;

/** In what numbers the products of a step are made. Parameters, moments, norms, softmax and loss are float32 in each. */
public enum Precision {
    FLOAT32,
    /** Single precision whose products take 10 bits of each factor. */
    TF32,
    /** Factors, and what lies between products, in bfloat16; sums in single precision. */
    BFLOAT16;

    /** Bytes of a number that products read. */
    int bytes() {
        return this == BFLOAT16 ? Short.BYTES : Float.BYTES;
    }

    /** How kernels of this precision end in their names. */
    String suffix() {
        return this == BFLOAT16 ? "_bfloat16" : "_float";
    }
}
