package dev.powersweep.worker.kernels.cpu;

import static dev.powersweep.worker.kernels.cpu.Lanes.BYTES;
import static dev.powersweep.worker.kernels.cpu.Lanes.load;
import static dev.powersweep.worker.kernels.cpu.Lanes.store;

import dev.powersweep.worker.kernels.AdamStep;
import dev.powersweep.worker.kernels.DropoutMask;
import dev.powersweep.worker.kernels.Flush;
import jdk.incubator.vector.FloatVector;
import jdk.incubator.vector.IntVector;
import jdk.incubator.vector.VectorOperators;

/** Kernels that treat every element alike. */
final class Elements {

    /** √(8/π): GELU's tanh form is x·sigmoid(this·(x + 0.044715·x³)). */
    private static final float GELU_LINEAR = 1.5957691216f;

    private static final float GELU_CUBIC = GELU_LINEAR * 0.044715f;
    /** Bytes whose sigmoids wait in the first-level cache. */
    private static final int GELU_BLOCK = 1024 * Float.BYTES;

    /** What a sigmoid is at its bound: taken away from all, so that beyond it nothing is left. */
    private static final float LEAST_SIGMOID = 1 / (Lanes.exp(Flush.SIGMOID_BOUND) + 1);

    /** Bytes summed in single precision before the sum goes on in double. */
    private static final int SUM_BLOCK = 4096 * Float.BYTES;

    /** Where sums of squares begin, to be taken away at the end: a fused square too small for it makes no subnormal sum. */
    private static final float SUM_START = 0x1p-100f;

    private Elements() {}

    /** Hendrycks and Gimpel 2016, the tanh approximation. */
    static void gelu(CpuSpan x, CpuSpan derivative, int length) {
        int all = length * Float.BYTES;
        for (int from = 0; from < all; from += GELU_BLOCK) {
            int to = Math.min(all, from + GELU_BLOCK);
            // In two loops, because C2 of some releases would not inline all that one needs.
            sigmoidBlock(x, derivative, from, to);
            geluBlock(x, derivative, from, to);
        }
    }

    /** Leaves the sigmoid's values where the derivative will be; 0 beyond the bound, so that output and derivative are. */
    private static void sigmoidBlock(CpuSpan x, CpuSpan sigmoids, int from, int to) {
        FloatVector one = Lanes.all(1);
        FloatVector least = Lanes.all(LEAST_SIGMOID);
        FloatVector cubic = Lanes.all(GELU_CUBIC);
        FloatVector linear = Lanes.all(GELU_LINEAR);
        int i = from;
        for (; i <= to - BYTES; i += BYTES) {
            FloatVector v = load(x.block, x.at + i);
            FloatVector inner = v.mul(v).fma(cubic, linear).mul(v);
            FloatVector sigmoid =
                    one.div(Lanes.expOfNegated(inner, Flush.SIGMOID_BOUND).add(one));
            store(sigmoid.sub(least), sigmoids.block, sigmoids.at + i);
        }
        for (; i < to; i += Float.BYTES) {
            float v = x.block.get(x.at + i);
            float inner = Math.fma(v * v, GELU_CUBIC, GELU_LINEAR) * v;
            float bounded = Math.max(-Flush.SIGMOID_BOUND, Math.min(inner, Flush.SIGMOID_BOUND));
            sigmoids.block.put(sigmoids.at + i, 1 / (Lanes.exp(-bounded) + 1) - LEAST_SIGMOID);
        }
    }

    private static void geluBlock(CpuSpan x, CpuSpan derivative, int from, int to) {
        FloatVector one = Lanes.all(1);
        FloatVector cubicSlope = Lanes.all(3 * GELU_CUBIC);
        FloatVector linearSlope = Lanes.all(GELU_LINEAR);
        int i = from;
        for (; i <= to - BYTES; i += BYTES) {
            FloatVector v = load(x.block, x.at + i);
            FloatVector sigmoid = load(derivative.block, derivative.at + i);
            FloatVector y = v.mul(sigmoid);
            FloatVector slope = v.mul(v).fma(cubicSlope, linearSlope);
            store(y, x.block, x.at + i);
            store(y.mul(one.sub(sigmoid)).fma(slope, sigmoid), derivative.block, derivative.at + i);
        }
        for (; i < to; i += Float.BYTES) {
            float v = x.block.get(x.at + i);
            float sigmoid = derivative.block.get(derivative.at + i);
            float y = v * sigmoid;
            float slope = Math.fma(v * v, 3 * GELU_CUBIC, GELU_LINEAR);
            x.block.put(x.at + i, y);
            derivative.block.put(derivative.at + i, Math.fma(y * (1 - sigmoid), slope, sigmoid));
        }
    }

    /** So et al. 2021. */
    static void squaredRelu(CpuSpan x, CpuSpan derivative, int length) {
        int end = Lanes.whole(length) * Float.BYTES;
        FloatVector flush = Lanes.all(Flush.SQUARE);
        for (int i = 0; i < end; i += BYTES) {
            FloatVector positive =
                    load(x.block, x.at + i).max(0f).add(Flush.ACTIVATION).sub(Flush.ACTIVATION);
            store(positive.mul(positive).add(flush).sub(flush), x.block, x.at + i);
            store(positive.add(positive), derivative.block, derivative.at + i);
        }
        for (int i = end; i < length * Float.BYTES; i += Float.BYTES) {
            float positive = Math.max(x.block.get(x.at + i), 0) + Flush.ACTIVATION - Flush.ACTIVATION;
            x.block.put(x.at + i, positive * positive + Flush.SQUARE - Flush.SQUARE);
            derivative.block.put(derivative.at + i, positive + positive);
        }
    }

    static void multiply(CpuSpan x, CpuSpan y, int length) {
        int end = Lanes.whole(length) * Float.BYTES;
        FloatVector flush = Lanes.all(Flush.GRADIENT);
        for (int i = 0; i < end; i += BYTES) {
            FloatVector product = load(x.block, x.at + i).fma(load(y.block, y.at + i), flush);
            store(product.sub(flush), x.block, x.at + i);
        }
        for (int i = end; i < length * Float.BYTES; i += Float.BYTES) {
            float product = Math.fma(x.block.get(x.at + i), y.block.get(y.at + i), Flush.GRADIENT);
            x.block.put(x.at + i, product - Flush.GRADIENT);
        }
    }

    static void drop(CpuSpan from, DropoutMask mask, CpuSpan to, int length) {
        int end = Lanes.whole(length);
        for (int i = 0; i < end; i += Lanes.COUNT) {
            store(load(from.block, from.at + i * 4).mul(factors(mask, i)), to.block, to.at + i * 4);
        }
        for (int i = end; i < length; i++) {
            to.block.put(to.at + i * 4, from.block.get(from.at + i * 4) * mask.factor(i));
        }
    }

    static void add(CpuSpan x, CpuSpan y, CpuSpan sum, int length) {
        int end = Lanes.whole(length) * Float.BYTES;
        for (int i = 0; i < end; i += BYTES) {
            store(load(x.block, x.at + i).add(load(y.block, y.at + i)), sum.block, sum.at + i);
        }
        for (int i = end; i < length * Float.BYTES; i += Float.BYTES) {
            sum.block.put(sum.at + i, x.block.get(x.at + i) + y.block.get(y.at + i));
        }
    }

    static void addDropped(CpuSpan x, CpuSpan branch, DropoutMask mask, CpuSpan sum, int length) {
        int end = Lanes.whole(length);
        for (int i = 0; i < end; i += Lanes.COUNT) {
            FloatVector kept = load(branch.block, branch.at + i * 4);
            store(kept.fma(factors(mask, i), load(x.block, x.at + i * 4)), sum.block, sum.at + i * 4);
        }
        for (int i = end; i < length; i++) {
            sum.block.put(
                    sum.at + i * 4, x.block.get(x.at + i * 4) + branch.block.get(branch.at + i * 4) * mask.factor(i));
        }
    }

    private static final IntVector LANE_NUMBERS = IntVector.zero(Lanes.INTS).addIndex(1);

    private static FloatVector factors(DropoutMask mask, int index) {
        IntVector h = LANE_NUMBERS
                .add(mask.firstElement() + index)
                .mul(DropoutMask.SPREAD)
                .add(mask.key());
        h = h.lanewise(VectorOperators.XOR, h.lanewise(VectorOperators.LSHR, 16))
                .mul(DropoutMask.MIX_1);
        h = h.lanewise(VectorOperators.XOR, h.lanewise(VectorOperators.LSHR, 15))
                .mul(DropoutMask.MIX_2);
        h = h.lanewise(VectorOperators.XOR, h.lanewise(VectorOperators.LSHR, 16));
        IntVector below =
                h.lanewise(VectorOperators.LSHR, 8).sub(mask.keepBelow()).lanewise(VectorOperators.ASHR, 31);
        return below.lanewise(VectorOperators.AND, Float.floatToRawIntBits(mask.scale()))
                .reinterpretAsFloats();
    }

    static void zero(CpuSpan x) {
        int length = (int) x.length();
        int end = Lanes.whole(length) * Float.BYTES;
        FloatVector zero = FloatVector.zero(Lanes.FLOATS);
        for (int i = 0; i < end; i += BYTES) {
            store(zero, x.block, x.at + i);
        }
        for (int i = end; i < length * Float.BYTES; i += Float.BYTES) {
            x.block.put(x.at + i, 0);
        }
    }

    static double squares(CpuSpan x) {
        double sum = 0;
        int all = (int) x.length() * Float.BYTES;
        for (int from = 0; from < all; from += SUM_BLOCK) {
            sum += squaresBlock(x, from, Math.min(all, from + SUM_BLOCK));
        }
        return sum;
    }

    private static float squaresBlock(CpuSpan x, int from, int to) {
        FloatVector even = Lanes.all(SUM_START);
        FloatVector odd = Lanes.all(SUM_START);
        int i = from;
        for (; i <= to - 2 * BYTES; i += 2 * BYTES) {
            FloatVector v = load(x.block, x.at + i);
            FloatVector w = load(x.block, x.at + i + BYTES);
            even = v.fma(v, even);
            odd = w.fma(w, odd);
        }
        float sum = Lanes.sum(even.add(odd)) - 2 * Lanes.COUNT * SUM_START;
        for (; i < to; i += Float.BYTES) {
            float v = x.block.get(x.at + i);
            sum += v * v;
        }
        return sum;
    }

    static void replace(CpuSpan part, CpuSpan total) {
        total.bytes().put(part.bytes());
    }

    static void add(CpuSpan part, CpuSpan total, double[] squares) {
        int all = (int) part.length() * Float.BYTES;
        squares[0] = 0;
        squares[1] = 0;
        for (int from = 0; from < all; from += SUM_BLOCK) {
            addBlock(part, total, from, Math.min(all, from + SUM_BLOCK), squares);
        }
    }

    private static void addBlock(CpuSpan part, CpuSpan total, int from, int to, double[] squares) {
        FloatVector ofPart = Lanes.all(SUM_START);
        FloatVector ofTotal = Lanes.all(SUM_START);
        int i = from;
        for (; i <= to - BYTES; i += BYTES) {
            FloatVector p = load(part.block, part.at + i);
            FloatVector t = load(total.block, total.at + i).add(p);
            store(t, total.block, total.at + i);
            ofPart = p.fma(p, ofPart);
            ofTotal = t.fma(t, ofTotal);
        }
        float partSum = Lanes.sum(ofPart) - Lanes.COUNT * SUM_START;
        float totalSum = Lanes.sum(ofTotal) - Lanes.COUNT * SUM_START;
        for (; i < to; i += Float.BYTES) {
            float p = part.block.get(part.at + i);
            float t = total.block.get(total.at + i) + p;
            total.block.put(total.at + i, t);
            partSum += p * p;
            totalSum += t * t;
        }
        squares[0] += partSum;
        squares[1] += totalSum;
    }

    static void adamw(CpuSpan parameters, CpuSpan gradients, CpuSpan first, CpuSpan second, AdamStep step) {
        int length = (int) parameters.length();
        int end = Lanes.whole(length) * Float.BYTES;
        FloatVector beta1 = Lanes.all(step.beta1());
        FloatVector beta2 = Lanes.all(step.beta2());
        FloatVector rest1 = Lanes.all(step.complement1());
        FloatVector rest2 = Lanes.all(step.complement2());
        FloatVector scale = Lanes.all(step.gradientScale());
        FloatVector flush = Lanes.all(Flush.GRADIENT);
        FloatVector flushV = Lanes.all(Flush.SECOND_MOMENT);
        FloatVector epsilon = Lanes.all(step.epsilon());
        FloatVector correction = Lanes.all(step.inverseSecondCorrection());
        FloatVector rate = Lanes.all(-step.rate());
        FloatVector keep = Lanes.all(step.keep());
        for (int i = 0; i < end; i += BYTES) {
            FloatVector g =
                    load(gradients.block, gradients.at + i).fma(scale, flush).sub(flush);
            FloatVector m = load(first.block, first.at + i)
                    .fma(beta1, g.fma(rest1, flush))
                    .sub(flush);
            FloatVector v = load(second.block, second.at + i)
                    .fma(beta2, g.mul(rest2).fma(g, flushV))
                    .sub(flushV);
            store(m, first.block, first.at + i);
            store(v, second.block, second.at + i);
            FloatVector denominator = v.lanewise(VectorOperators.SQRT).fma(correction, epsilon);
            FloatVector p = load(parameters.block, parameters.at + i).mul(keep);
            store(m.mul(rate).div(denominator).add(p), parameters.block, parameters.at + i);
        }
        for (int i = end; i < length * Float.BYTES; i += Float.BYTES) {
            float g = Math.fma(gradients.block.get(gradients.at + i), step.gradientScale(), Flush.GRADIENT)
                    - Flush.GRADIENT;
            float m = Math.fma(
                            first.block.get(first.at + i),
                            step.beta1(),
                            Math.fma(g, step.complement1(), Flush.GRADIENT))
                    - Flush.GRADIENT;
            float v = Math.fma(
                            second.block.get(second.at + i),
                            step.beta2(),
                            Math.fma(g * step.complement2(), g, Flush.SECOND_MOMENT))
                    - Flush.SECOND_MOMENT;
            first.block.put(first.at + i, m);
            second.block.put(second.at + i, v);
            float denominator = Math.fma((float) Math.sqrt(v), step.inverseSecondCorrection(), step.epsilon());
            float p = parameters.block.get(parameters.at + i) * step.keep();
            parameters.block.put(parameters.at + i, m * -step.rate() / denominator + p);
        }
    }
}
