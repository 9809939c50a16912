package dev.powersweep.worker.kernels;

import java.nio.ByteBuffer;

/** A stretch of numbers in the memory of one kernel set. */
public interface Span {

    /** Numbers in it. */
    long length();

    /**
     * A view of a part; writes show in both.
     *
     * @throws IndexOutOfBoundsException when the part is not inside
     */
    Span part(long from, long length);

    double get(long index);

    void set(long index, double value);

    /** Little-endian single precision: a live view where the memory is that already, a copy otherwise. */
    ByteBuffer bytes();

    /** Takes all numbers from {@code source}, little-endian single precision. */
    void readFrom(ByteBuffer source);
}
