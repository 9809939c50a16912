package dev.powersweep.worker.cell;

import java.util.Locale;

/** In what numbers the products of a step are made. Parameters, moments, norms, softmax and loss are float32 in each. */
public enum Precision {
    FLOAT32,
    /** Single precision whose products take 10 bits of each factor. */
    TF32,
    /**
     * Factors in bfloat16, sums in single precision. On cards what lies between products is bfloat16 too; on CPUs it is
     * single precision, as are attention's products.
     */
    BFLOAT16;

    /** As specifications and tables have it. */
    public String word() {
        return name().toLowerCase(Locale.ROOT);
    }

    /** Bytes of a number that products read. */
    public int bytes() {
        return this == BFLOAT16 ? Short.BYTES : Float.BYTES;
    }
}
