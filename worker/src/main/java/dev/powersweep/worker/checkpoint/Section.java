package dev.powersweep.worker.checkpoint;

import java.nio.ByteBuffer;

/**
 * A named run of bytes in a checkpoint.
 *
 * @param name unique in its file
 * @param data from position to limit; writing reads it and reading fills it, both leaving position and limit alone
 */
public record Section(String name, ByteBuffer data) {
    /** Parameters, 32-bit floats in the layout's order. */
    public static final String PARAMETERS = "parameters";
    /** AdamW's first moment, in the same order. */
    public static final String FIRST_MOMENT = "firstMoment";
    /** AdamW's second moment, in the same order. */
    public static final String SECOND_MOMENT = "secondMoment";
}
