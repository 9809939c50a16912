package dev.powersweep.worker.kernels.cpu;

import dev.powersweep.worker.kernels.Kernels;
import dev.powersweep.worker.kernels.Span;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.util.Arrays;
import org.bytedeco.javacpp.FloatPointer;
import org.nd4j.linalg.api.buffer.DataType;
import org.nd4j.linalg.api.ndarray.INDArray;
import org.nd4j.linalg.factory.Nd4j;

/** A stretch of one ND4J array's off-heap memory. */
final class CpuSpan implements Span {

    /** Bytes; a cache line and the widest vector. */
    private static final int ALIGNMENT = 64;

    /** Keeps the memory alive. */
    final INDArray array;

    final Lanes.Block block;
    /** Bytes from the block's start. */
    final int at;

    /** Where the span begins in the process. */
    final long address;

    private final long length;

    private CpuSpan(INDArray array, Lanes.Block block, long address, int at, long length) {
        this.array = array;
        this.block = block;
        this.address = address;
        this.at = at;
        this.length = length;
    }

    /** Aligned zeros. */
    static CpuSpan allocate(long length) {
        long padded = length + ALIGNMENT / Float.BYTES;
        if (padded * Float.BYTES > Integer.MAX_VALUE - ALIGNMENT) {
            throw new IllegalArgumentException("the fast CPU kernels hold at most 2 GiB in one vector, and " + length
                    + " numbers were asked for; use a smaller model or micro-batch, or the portable kernels");
        }
        INDArray array = Nd4j.zeros(DataType.FLOAT, padded);
        FloatPointer pointer = new FloatPointer(array.data().pointer());
        long skip = (-pointer.address() & (ALIGNMENT - 1)) / Float.BYTES;
        FloatPointer aligned = pointer.getPointer(FloatPointer.class, skip);
        return new CpuSpan(
                array, new Lanes.Block(aligned.capacity(length).asByteBuffer()), aligned.address(), 0, length);
    }

    /** The memory of a whole array. */
    static CpuSpan wrap(INDArray array) {
        if (array.dataType() != DataType.FLOAT || !Kernels.gapless(array)) {
            throw new IllegalArgumentException("the fast CPU kernels need single precision without gaps, not "
                    + array.dataType() + " of shape " + Arrays.toString(array.shape()) + " in steps of "
                    + Arrays.toString(array.stride()));
        }
        long bytes = array.length() * Float.BYTES;
        if (bytes > Integer.MAX_VALUE - ALIGNMENT) {
            throw new IllegalArgumentException("the fast CPU kernels hold at most 2 GiB in one vector, not "
                    + array.length() + " numbers; use the portable kernels");
        }
        FloatPointer pointer = new FloatPointer(array.data().addressPointer());
        pointer.position(0).capacity(array.length());
        return new CpuSpan(array, new Lanes.Block(pointer.asByteBuffer()), pointer.address(), 0, array.length());
    }

    static CpuSpan of(Span span) {
        return (CpuSpan) span;
    }

    @Override
    public long length() {
        return length;
    }

    @Override
    public CpuSpan part(long from, long partLength) {
        if (from < 0 || partLength < 0 || from + partLength > length) {
            throw new IndexOutOfBoundsException(
                    "part [" + from + ", " + (from + partLength) + ") of a span of " + length);
        }
        long bytes = from * Float.BYTES;
        return new CpuSpan(array, block, address + bytes, at + (int) bytes, partLength);
    }

    @Override
    public double get(long index) {
        return block.get(at + (int) index * Float.BYTES);
    }

    @Override
    public void set(long index, double value) {
        block.put(at + (int) index * Float.BYTES, (float) value);
    }

    @Override
    public void readFrom(ByteBuffer source) {
        ByteBuffer target = bytes();
        ByteBuffer part = source.duplicate().limit(source.position() + target.remaining());
        target.put(part);
        source.position(part.position());
    }

    @Override
    public ByteBuffer bytes() {
        int end = at + (int) length * Float.BYTES;
        return block.bytes.duplicate().limit(end).position(at).slice().order(ByteOrder.LITTLE_ENDIAN);
    }
}
