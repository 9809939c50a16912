package dev.powersweep.worker.kernels.cpu;

import static dev.powersweep.worker.kernels.cpu.Lanes.BYTES;
import static dev.powersweep.worker.kernels.cpu.Lanes.load;
import static dev.powersweep.worker.kernels.cpu.Lanes.store;

import dev.powersweep.worker.kernels.Matrix;
import dev.powersweep.worker.kernels.Norm;
import dev.powersweep.worker.kernels.Write;
import dev.powersweep.worker.kernels.cpu.Lanes.Block;
import jdk.incubator.vector.FloatVector;

/** LayerNorm and RMSNorm. */
final class Norms {

    /** Each phase goes over so many rows before the next one begins, so that no row waits for another's sum. */
    private static final int ROWS = 16;

    private Norms() {}

    static void normalise(Matrix x, Norm norm, Matrix to, Matrix ofRows) {
        int rows = x.rows();
        int width = x.columns();
        int stride = width * Float.BYTES;
        CpuSpan normed = CpuKernels.data(x);
        CpuSpan gain = CpuSpan.of(norm.gain());
        CpuSpan bias = CpuSpan.of(norm.bias().orElse(null));
        CpuSpan out = CpuKernels.data(to.expect(rows, width));
        CpuSpan statistics = CpuKernels.data(ofRows.expect(rows, 2));
        for (int first = 0; first < rows; first += ROWS) {
            int end = Math.min(rows, first + ROWS);
            if (bias != null) {
                for (int row = first; row < end; row++) {
                    float mean = sumRow(normed.block, normed.at + row * stride, width) / width;
                    statistics.block.put(statistics.at + 8 * row, mean);
                }
            }
            for (int row = first; row < end; row++) {
                float mean = statistics.block.get(statistics.at + 8 * row);
                float variance = squaresRow(normed.block, normed.at + row * stride, width, mean) / width;
                float reciprocal = (float) (1 / Math.sqrt(variance + Norm.EPSILON));
                statistics.block.put(statistics.at + 8 * row + 4, reciprocal);
            }
            for (int row = first; row < end; row++) {
                float mean = statistics.block.get(statistics.at + 8 * row);
                float reciprocal = statistics.block.get(statistics.at + 8 * row + 4);
                int in = normed.at + row * stride;
                if (bias != null) {
                    scaleShiftRow(
                            normed.block, in, mean, reciprocal, gain, bias, out.block, out.at + row * stride, width);
                } else {
                    scaleRow(normed.block, in, reciprocal, gain, out.block, out.at + row * stride, width);
                }
            }
        }
    }

    static void backward(
            Matrix dNormed, Matrix normed, Matrix ofRows, Norm norm, Norm gradients, Matrix ofNormed, Write write) {
        int rows = normed.rows();
        int width = normed.columns();
        int stride = width * Float.BYTES;
        boolean add = write == Write.ADD;
        CpuSpan dOut = CpuKernels.data(dNormed.expect(rows, width));
        CpuSpan x = CpuKernels.data(normed);
        CpuSpan statistics = CpuKernels.data(ofRows.expect(rows, 2));
        CpuSpan gain = CpuSpan.of(norm.gain());
        CpuSpan dGain = CpuSpan.of(gradients.gain());
        CpuSpan dBias = CpuSpan.of(gradients.bias().orElse(null));
        CpuSpan dx = CpuKernels.data(ofNormed.expect(rows, width));
        float[] sums = new float[2];
        for (int row = 0; row < rows; row++) {
            int stat = statistics.at + row * 2 * Float.BYTES;
            float mean = statistics.block.get(stat);
            float reciprocal = statistics.block.get(stat + Float.BYTES);
            int dOutAt = dOut.at + row * stride;
            int xAt = x.at + row * stride;
            int dxAt = dx.at + row * stride;
            if (dBias != null) {
                layerNormSumsRow(dOut.block, dOutAt, x.block, xAt, mean, reciprocal, gain, dGain, dBias, width, sums);
                layerNormInputRow(
                        dOut.block, dOutAt, x.block, xAt, mean, reciprocal, gain, sums, dx.block, dxAt, add, width);
            } else {
                rmsNormRow(dOut.block, dOutAt, x.block, xAt, reciprocal, gain, dGain, dx.block, dxAt, add, width);
            }
        }
    }

    /** Adds to the gradients of gain and bias; {@code means} receives those of dy·gain and of dy·gain·normed. */
    private static void layerNormSumsRow(
            Block dOut,
            int dOutAt,
            Block x,
            int xAt,
            float mean,
            float reciprocal,
            CpuSpan gain,
            CpuSpan dGain,
            CpuSpan dBias,
            int width,
            float[] means) {
        int end = Lanes.whole(width) * Float.BYTES;
        FloatVector sums = FloatVector.zero(Lanes.FLOATS);
        FloatVector products = FloatVector.zero(Lanes.FLOATS);
        FloatVector shift = Lanes.all(-mean * reciprocal);
        FloatVector scale = Lanes.all(reciprocal);
        for (int i = 0; i < end; i += BYTES) {
            FloatVector dy = load(dOut, dOutAt + i);
            FloatVector normed = load(x, xAt + i).fma(scale, shift);
            store(load(dGain.block, dGain.at + i).add(dy.mul(normed)), dGain.block, dGain.at + i);
            store(load(dBias.block, dBias.at + i).add(dy), dBias.block, dBias.at + i);
            FloatVector scaled = dy.mul(load(gain.block, gain.at + i));
            sums = sums.add(scaled);
            products = scaled.fma(normed, products);
        }
        float sum = Lanes.sum(sums);
        float product = Lanes.sum(products);
        for (int i = end; i < width * Float.BYTES; i += Float.BYTES) {
            float dy = dOut.get(dOutAt + i);
            float normed = (x.get(xAt + i) - mean) * reciprocal;
            dGain.block.put(dGain.at + i, dGain.block.get(dGain.at + i) + dy * normed);
            dBias.block.put(dBias.at + i, dBias.block.get(dBias.at + i) + dy);
            float scaled = dy * gain.block.get(gain.at + i);
            sum += scaled;
            product += scaled * normed;
        }
        means[0] = sum / width;
        means[1] = product / width;
    }

    private static void layerNormInputRow(
            Block dOut,
            int dOutAt,
            Block x,
            int xAt,
            float mean,
            float reciprocal,
            CpuSpan gain,
            float[] means,
            Block dx,
            int dxAt,
            boolean add,
            int width) {
        int end = Lanes.whole(width) * Float.BYTES;
        FloatVector shift = Lanes.all(-mean * reciprocal);
        FloatVector scale = Lanes.all(reciprocal);
        FloatVector minusSum = Lanes.all(-means[0]);
        FloatVector minusProduct = Lanes.all(-means[1]);
        if (add) {
            for (int i = 0; i < end; i += BYTES) {
                FloatVector normed = load(x, xAt + i).fma(scale, shift);
                FloatVector scaled = load(dOut, dOutAt + i).fma(load(gain.block, gain.at + i), minusSum);
                store(normed.fma(minusProduct, scaled).fma(scale, load(dx, dxAt + i)), dx, dxAt + i);
            }
        } else {
            for (int i = 0; i < end; i += BYTES) {
                FloatVector normed = load(x, xAt + i).fma(scale, shift);
                FloatVector scaled = load(dOut, dOutAt + i).fma(load(gain.block, gain.at + i), minusSum);
                store(normed.fma(minusProduct, scaled).mul(scale), dx, dxAt + i);
            }
        }
        for (int i = end; i < width * Float.BYTES; i += Float.BYTES) {
            float normed = (x.get(xAt + i) - mean) * reciprocal;
            float value =
                    (dOut.get(dOutAt + i) * gain.block.get(gain.at + i) - means[0] - normed * means[1]) * reciprocal;
            dx.put(dxAt + i, add ? dx.get(dxAt + i) + value : value);
        }
    }

    private static void rmsNormRow(
            Block dOut,
            int dOutAt,
            Block x,
            int xAt,
            float reciprocal,
            CpuSpan gain,
            CpuSpan dGain,
            Block dx,
            int dxAt,
            boolean add,
            int width) {
        int end = Lanes.whole(width) * Float.BYTES;
        int all = width * Float.BYTES;
        FloatVector products = FloatVector.zero(Lanes.FLOATS);
        FloatVector scale = Lanes.all(reciprocal);
        for (int i = 0; i < end; i += BYTES) {
            FloatVector dy = load(dOut, dOutAt + i);
            FloatVector normed = load(x, xAt + i).mul(scale);
            store(load(dGain.block, dGain.at + i).add(dy.mul(normed)), dGain.block, dGain.at + i);
            products = dy.mul(load(gain.block, gain.at + i)).fma(normed, products);
        }
        float product = Lanes.sum(products);
        for (int i = end; i < all; i += Float.BYTES) {
            float dy = dOut.get(dOutAt + i);
            float normed = x.get(xAt + i) * reciprocal;
            dGain.block.put(dGain.at + i, dGain.block.get(dGain.at + i) + dy * normed);
            product += dy * gain.block.get(gain.at + i) * normed;
        }
        product /= width;
        FloatVector minusProduct = Lanes.all(-product);
        FloatVector old = Lanes.all(add ? 1 : 0);
        for (int i = 0; i < end; i += BYTES) {
            FloatVector normed = load(x, xAt + i).mul(scale);
            FloatVector scaled = load(dOut, dOutAt + i).mul(load(gain.block, gain.at + i));
            FloatVector value = normed.fma(minusProduct, scaled).mul(scale);
            store(add ? load(dx, dxAt + i).fma(old, value) : value, dx, dxAt + i);
        }
        for (int i = end; i < all; i += Float.BYTES) {
            float normed = x.get(xAt + i) * reciprocal;
            float value = (dOut.get(dOutAt + i) * gain.block.get(gain.at + i) - normed * product) * reciprocal;
            dx.put(dxAt + i, add ? dx.get(dxAt + i) + value : value);
        }
    }

    private static float sumRow(Block x, int at, int width) {
        int end = Lanes.whole(width) * Float.BYTES;
        FloatVector sums = FloatVector.zero(Lanes.FLOATS);
        for (int i = 0; i < end; i += BYTES) {
            sums = sums.add(load(x, at + i));
        }
        float sum = Lanes.sum(sums);
        for (int i = end; i < width * Float.BYTES; i += Float.BYTES) {
            sum += x.get(at + i);
        }
        return sum;
    }

    private static float squaresRow(Block x, int at, int width, float mean) {
        int end = Lanes.whole(width) * Float.BYTES;
        FloatVector sums = FloatVector.zero(Lanes.FLOATS);
        for (int i = 0; i < end; i += BYTES) {
            FloatVector centred = load(x, at + i).sub(mean);
            sums = centred.fma(centred, sums);
        }
        float sum = Lanes.sum(sums);
        for (int i = end; i < width * Float.BYTES; i += Float.BYTES) {
            float centred = x.get(at + i) - mean;
            sum += centred * centred;
        }
        return sum;
    }

    private static void scaleShiftRow(
            Block x,
            int at,
            float mean,
            float reciprocal,
            CpuSpan gain,
            CpuSpan bias,
            Block out,
            int outAt,
            int width) {
        int end = Lanes.whole(width) * Float.BYTES;
        FloatVector shift = Lanes.all(-mean * reciprocal);
        FloatVector scale = Lanes.all(reciprocal);
        for (int i = 0; i < end; i += BYTES) {
            FloatVector normed = load(x, at + i).fma(scale, shift);
            store(normed.fma(load(gain.block, gain.at + i), load(bias.block, bias.at + i)), out, outAt + i);
        }
        for (int i = end; i < width * Float.BYTES; i += Float.BYTES) {
            float normed = (x.get(at + i) - mean) * reciprocal;
            out.put(outAt + i, normed * gain.block.get(gain.at + i) + bias.block.get(bias.at + i));
        }
    }

    private static void scaleRow(Block x, int at, float reciprocal, CpuSpan gain, Block out, int outAt, int width) {
        int end = Lanes.whole(width) * Float.BYTES;
        for (int i = 0; i < end; i += BYTES) {
            store(load(x, at + i).mul(reciprocal).mul(load(gain.block, gain.at + i)), out, outAt + i);
        }
        for (int i = end; i < width * Float.BYTES; i += Float.BYTES) {
            out.put(outAt + i, x.get(at + i) * reciprocal * gain.block.get(gain.at + i));
        }
    }
}
