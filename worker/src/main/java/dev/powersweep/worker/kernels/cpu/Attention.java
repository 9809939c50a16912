package dev.powersweep.worker.kernels.cpu;

import static dev.powersweep.worker.kernels.cpu.Lanes.BYTES;
import static dev.powersweep.worker.kernels.cpu.Lanes.load;
import static dev.powersweep.worker.kernels.cpu.Lanes.store;

import dev.powersweep.worker.kernels.AttentionShape;
import dev.powersweep.worker.kernels.Flush;
import dev.powersweep.worker.kernels.cpu.Lanes.Block;
import java.util.List;
import jdk.incubator.vector.FloatVector;

/**
 * Causal attention on packed queries, keys and values: no head is copied out, products read the packed rows with their
 * stride, and the masked half is skipped in blocks of rows.
 */
final class Attention implements AutoCloseable {

    /** Rows of scores made at once. */
    private static final int ROWS = 32;

    private final Blas blas;
    private final AttentionShape shape;
    private final int context;
    private final int stride;
    /** [headWidth, stride]: keys, or values, of one head. */
    private final CpuSpan transposed;

    /** [ROWS, stride]: gradients of probabilities, then of scores. */
    private final CpuSpan gradients;
    /** COUNT zeros, then COUNT large negative numbers: added, they rule lanes out. */
    private final CpuSpan bars;

    private final float[] perRow = new float[ROWS];

    private final CpuSpan cosines;
    private final CpuSpan sines;

    Attention(Blas blas, AttentionShape shape) {
        this.blas = blas;
        this.shape = shape;
        context = shape.context();
        stride = shape.probabilityStride();
        transposed = CpuSpan.allocate((long) shape.headWidth() * stride);
        gradients = CpuSpan.allocate((long) ROWS * stride);
        bars = CpuSpan.allocate(2L * Lanes.COUNT);
        for (int i = Lanes.COUNT; i < 2 * Lanes.COUNT; i++) {
            bars.set(i, -Float.MAX_VALUE);
        }
        int pairs = shape.headWidth() / 2;
        cosines = CpuSpan.allocate(Math.max(1L, (long) context * pairs));
        sines = CpuSpan.allocate(Math.max(1L, (long) context * pairs));
        for (int position = 0; position < context; position++) {
            for (int pair = 0; pair < pairs; pair++) {
                double angle = position * StrictMath.pow(10000, -2.0 * pair / shape.headWidth());
                cosines.set((long) position * pairs + pair, StrictMath.cos(angle));
                sines.set((long) position * pairs + pair, StrictMath.sin(angle));
            }
        }
    }

    /** Frees the working memory. */
    @Override
    public void close() {
        for (CpuSpan span : List.of(transposed, gradients, bars, cosines, sines)) {
            span.array.close();
        }
    }

    AttentionShape shape() {
        return shape;
    }

    void forward(CpuSpan qkv, CpuSpan probabilities, CpuSpan out, int sequences) {
        int width = shape.width();
        int headWidth = shape.headWidth();
        for (int sequence = 0; sequence < sequences; sequence++) {
            for (int head = 0; head < shape.heads(); head++) {
                long q = 4L * ((long) sequence * context * 3 * width + (long) head * headWidth);
                long p = 4L * ((long) sequence * shape.heads() + head) * context * stride;
                long o = 4L * ((long) sequence * context * width + (long) head * headWidth);
                transpose(qkv, (int) q + 4 * width);
                for (int row = 0; row < context; row += ROWS) {
                    int rows = Math.min(ROWS, context - row);
                    int seen = row + rows;
                    long scores = p + 4L * row * stride;
                    blas.product(
                            rows,
                            seen,
                            headWidth,
                            shape.scale(),
                            qkv.address + q + 4L * row * 3 * width,
                            3 * width,
                            transposed.address,
                            stride,
                            0,
                            probabilities.address + scores,
                            stride);
                    softmax(probabilities.block, probabilities.at + (int) scores, row, rows);
                    blas.product(
                            rows,
                            headWidth,
                            seen,
                            1,
                            probabilities.address + scores,
                            stride,
                            qkv.address + q + 8L * width,
                            3 * width,
                            0,
                            out.address + o + 4L * row * width,
                            width);
                }
            }
        }
    }

    void backward(CpuSpan qkv, CpuSpan probabilities, CpuSpan dOut, CpuSpan dQkv, int sequences) {
        int width = shape.width();
        int headWidth = shape.headWidth();
        int packed = 3 * width;
        for (int sequence = 0; sequence < sequences; sequence++) {
            for (int head = 0; head < shape.heads(); head++) {
                long q = 4L * ((long) sequence * context * packed + (long) head * headWidth);
                long p = 4L * ((long) sequence * shape.heads() + head) * context * stride;
                long o = 4L * ((long) sequence * context * width + (long) head * headWidth);
                long keys = 4L * width;
                long values = 8L * width;
                transpose(qkv, (int) (q + values));
                // The last rows see every key, so that starting with them writes all of dK and dV before adding.
                float beta = 0;
                for (int row = (context - 1) / ROWS * ROWS; row >= 0; row -= ROWS) {
                    int rows = Math.min(ROWS, context - row);
                    int seen = row + rows;
                    long scores = p + 4L * row * stride;
                    long dOutRows = dOut.address + o + 4L * row * width;
                    blas.product(
                            rows,
                            seen,
                            headWidth,
                            1,
                            dOutRows,
                            width,
                            transposed.address,
                            stride,
                            0,
                            gradients.address,
                            stride);
                    for (int i = 0; i < rows; i++) {
                        softmaxBackwardRow(
                                probabilities.block,
                                probabilities.at + (int) scores + 4 * i * stride,
                                gradients.block,
                                gradients.at + 4 * i * stride,
                                row + i + 1,
                                seen);
                    }
                    blas.product(
                            rows,
                            headWidth,
                            seen,
                            shape.scale(),
                            gradients.address,
                            stride,
                            qkv.address + q + keys,
                            packed,
                            0,
                            dQkv.address + q + 4L * row * packed,
                            packed);
                    blas.productTransposed(
                            seen,
                            headWidth,
                            rows,
                            shape.scale(),
                            gradients.address,
                            stride,
                            qkv.address + q + 4L * row * packed,
                            packed,
                            beta,
                            dQkv.address + q + keys,
                            packed);
                    blas.productTransposed(
                            seen,
                            headWidth,
                            rows,
                            1,
                            probabilities.address + scores,
                            stride,
                            dOutRows,
                            width,
                            beta,
                            dQkv.address + q + values,
                            packed);
                    beta = 1;
                }
            }
        }
    }

    /**
     * Softmax of {@code rows} rows of scores from sequence position {@code first} on; what a row must not see becomes 0.
     * Each phase goes over all rows before the next one begins, so that no row waits for another's sum.
     */
    private void softmax(Block x, int at, int first, int rows) {
        int pitch = 4 * stride;
        for (int i = 0; i < rows; i++) {
            int row = at + i * pitch;
            perRow[i] = maxRow(x, row, row + last(first + i), bars.block, bar(first + i));
        }
        for (int i = 0; i < rows; i++) {
            int row = at + i * pitch;
            perRow[i] = exponentialsRow(x, row, row + last(first + i), perRow[i]);
        }
        for (int i = 0; i < rows; i++) {
            int row = at + i * pitch;
            int end = row + (first + rows) * 4;
            scaleRow(x, row, row + last(first + i), end, bars.block, bar(first + i), 1 / perRow[i]);
        }
    }

    /** Bytes from a row's begin to the last vector that the row at {@code position} sees. */
    private static int last(int position) {
        return position / Lanes.COUNT * BYTES;
    }

    /** Where the bars for that vector stand. */
    private int bar(int position) {
        return bars.at + BYTES - 4 * (position % Lanes.COUNT + 1);
    }

    private static float maxRow(Block x, int at, int last, Block bars, int bar) {
        FloatVector most = load(x, last).add(load(bars, bar));
        store(most, x, last);
        for (int i = at; i < last; i += BYTES) {
            most = most.max(load(x, i));
        }
        return Lanes.max(most);
    }

    /** Returns their sum. */
    private static float exponentialsRow(Block x, int at, int last, float max) {
        FloatVector sums = FloatVector.zero(Lanes.FLOATS);
        FloatVector most = Lanes.all(max);
        for (int i = at; i <= last; i += BYTES) {
            FloatVector e = Lanes.expOfMinus(most.sub(load(x, i)));
            store(e, x, i);
            sums = sums.add(e);
        }
        return Lanes.sum(sums);
    }

    private static void scaleRow(Block x, int at, int last, int end, Block bars, int bar, float factor) {
        FloatVector flush = Lanes.all(Flush.ACTIVATION);
        FloatVector scale = Lanes.all(factor);
        for (int i = at; i < last; i += BYTES) {
            store(load(x, i).fma(scale, flush).sub(flush), x, i);
        }
        // Barred lanes held −MAX_VALUE, whose exponential the bound has lifted above 0.
        FloatVector seen = load(bars, bar).add(1f).max(0f).mul(factor);
        store(load(x, last).fma(seen, flush).sub(flush), x, last);
        FloatVector zero = FloatVector.zero(Lanes.FLOATS);
        for (int i = last + BYTES; i < end; i += BYTES) {
            store(zero, x, i);
        }
    }

    /** dS = P ⊙ (dP − ΣP·dP), in place of dP; 0 where P is. */
    private static void softmaxBackwardRow(Block p, int pAt, Block d, int dAt, int count, int seen) {
        int whole = (count + Lanes.COUNT - 1) / Lanes.COUNT * BYTES;
        FloatVector products = FloatVector.zero(Lanes.FLOATS);
        for (int i = 0; i < whole; i += BYTES) {
            products = load(p, pAt + i).fma(load(d, dAt + i), products);
        }
        float sum = Lanes.sum(products);
        FloatVector flush = Lanes.all(Flush.GRADIENT);
        for (int i = 0; i < whole; i += BYTES) {
            store(load(d, dAt + i).sub(sum).fma(load(p, pAt + i), flush).sub(flush), d, dAt + i);
        }
        FloatVector zero = FloatVector.zero(Lanes.FLOATS);
        for (int i = dAt + whole; i < dAt + seen * 4; i += BYTES) {
            store(zero, d, i);
        }
    }

    /** Copies one head's [context, headWidth] at byte {@code from} of the packed rows to [headWidth, stride]. */
    private void transpose(CpuSpan qkv, int from) {
        Transpose.transpose(
                qkv.block,
                qkv.at + from,
                3 * shape.width(),
                context,
                shape.headWidth(),
                transposed.block,
                transposed.at,
                stride);
    }

    void rotate(CpuSpan qkv, int rows, int direction) {
        int headWidth = shape.headWidth();
        int pairs = headWidth / 2;
        int width = shape.width();
        for (int row = 0; row < rows; row++) {
            int table = row % context * pairs * 4;
            for (int part = 0; part < 2 * shape.heads(); part++) {
                int at = qkv.at + 4 * (row * 3 * width + part * headWidth);
                int i = 0;
                for (; i <= pairs - Lanes.COUNT; i += Lanes.COUNT) {
                    FloatVector cosine = load(cosines.block, cosines.at + table + 4 * i);
                    FloatVector sine =
                            load(sines.block, sines.at + table + 4 * i).mul(direction);
                    FloatVector a = load(qkv.block, at + 4 * i);
                    FloatVector b = load(qkv.block, at + 4 * (pairs + i));
                    store(a.mul(cosine).sub(b.mul(sine)), qkv.block, at + 4 * i);
                    store(a.mul(sine).add(b.mul(cosine)), qkv.block, at + 4 * (pairs + i));
                }
                for (; i < pairs; i++) {
                    float cosine = cosines.block.get(cosines.at + table + 4 * i);
                    float sine = sines.block.get(sines.at + table + 4 * i) * direction;
                    float a = qkv.block.get(at + 4 * i);
                    float b = qkv.block.get(at + 4 * (pairs + i));
                    qkv.block.put(at + 4 * i, a * cosine - b * sine);
                    qkv.block.put(at + 4 * (pairs + i), a * sine + b * cosine);
                }
            }
        }
    }
}
