package dev.powersweep.worker.kernels.nd4j;

import dev.powersweep.worker.kernels.Span;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import org.nd4j.linalg.api.ndarray.INDArray;
import org.nd4j.linalg.factory.Nd4j;

/** A stretch of a flat ND4J array. */
final class Nd4jSpan implements Span {

    private final INDArray array;
    private final long offset;
    private final long length;

    Nd4jSpan(INDArray array, long offset, long length) {
        this.array = array;
        this.offset = offset;
        this.length = length;
    }

    static Nd4jSpan of(Span span) {
        return (Nd4jSpan) span;
    }

    /** All of it, as a vector. */
    INDArray vector() {
        return view(0, new long[] {length}, new long[] {1});
    }

    /** The beginning as a matrix without gaps. */
    INDArray matrix(long rows, long columns) {
        return view(0, rows, columns, columns);
    }

    /** A matrix of rows {@code rowStride} apart, from element {@code from} on. */
    INDArray view(long from, long rows, long columns, long rowStride) {
        return view(from, new long[] {rows, columns}, new long[] {rowStride, 1});
    }

    private INDArray view(long from, long[] shape, long[] stride) {
        return Nd4j.create(array.data(), shape, stride, offset + from, 'c', array.dataType());
    }

    @Override
    public long length() {
        return length;
    }

    @Override
    public Span part(long from, long partLength) {
        if (from < 0 || partLength < 0 || from + partLength > length) {
            throw new IndexOutOfBoundsException(
                    "part [" + from + ", " + (from + partLength) + ") of a span of " + length);
        }
        return new Nd4jSpan(array, offset + from, partLength);
    }

    @Override
    public double get(long index) {
        return array.getDouble(offset + index);
    }

    @Override
    public void set(long index, double value) {
        array.putScalar(offset + index, value);
    }

    @Override
    public ByteBuffer bytes() {
        ByteBuffer copy =
                ByteBuffer.allocate(Math.toIntExact(length * Float.BYTES)).order(ByteOrder.LITTLE_ENDIAN);
        for (float value : vector().toFloatVector()) {
            copy.putFloat(value);
        }
        return copy.flip();
    }

    @Override
    public void readFrom(ByteBuffer source) {
        ByteBuffer numbers = source.duplicate().order(ByteOrder.LITTLE_ENDIAN);
        float[] values = new float[Math.toIntExact(length)];
        for (int i = 0; i < values.length; i++) {
            values[i] = numbers.getFloat();
        }
        source.position(numbers.position());
        vector().assign(Nd4j.createFromArray(values));
    }
}
