package dev.powersweep.worker.kernels.cpu;

import static dev.powersweep.worker.kernels.cpu.Lanes.BYTES;
import static dev.powersweep.worker.kernels.cpu.Lanes.load;
import static dev.powersweep.worker.kernels.cpu.Lanes.store;

import dev.powersweep.worker.kernels.Flush;
import dev.powersweep.worker.kernels.cpu.Lanes.Block;
import jdk.incubator.vector.FloatVector;

/** Softmax cross-entropy and its gradient in two passes over each row. */
final class CrossEntropy {

    private CrossEntropy() {}

    static void run(
            CpuSpan logits,
            int[] targets,
            int from,
            int rows,
            int vocabulary,
            float logitScale,
            float gradientWeight,
            double[] losses) {
        for (int row = 0; row < rows; row++) {
            int at = logits.at + 4 * row * vocabulary;
            int target = at + 4 * targets[from + row];
            float ofTarget = logits.block.get(target) * logitScale;
            float most = maxRow(logits.block, at, vocabulary) * logitScale;
            float sum = exponentialsRow(logits.block, at, vocabulary, logitScale, most);
            losses[from + row] = Math.log(sum) + ((double) most - ofTarget);
            if (gradientWeight != 0) {
                float weight = gradientWeight * logitScale;
                scaleRow(logits.block, at, vocabulary, weight / sum, Flush.ACTIVATION * weight);
                logits.block.put(target, logits.block.get(target) - weight);
            }
        }
    }

    private static float maxRow(Block x, int at, int length) {
        int end = Lanes.whole(length) * 4;
        FloatVector most = Lanes.all(Float.NEGATIVE_INFINITY);
        for (int i = 0; i < end; i += BYTES) {
            most = most.max(load(x, at + i));
        }
        float max = Lanes.max(most);
        for (int i = end; i < 4 * length; i += 4) {
            max = Math.max(max, x.get(at + i));
        }
        return max;
    }

    private static float exponentialsRow(Block x, int at, int length, float scale, float most) {
        int end = Lanes.whole(length) * 4;
        FloatVector sums = FloatVector.zero(Lanes.FLOATS);
        FloatVector minusFactor = Lanes.all(-scale);
        FloatVector maximum = Lanes.all(most);
        for (int i = 0; i < end; i += BYTES) {
            FloatVector e = Lanes.expOfMinus(load(x, at + i).fma(minusFactor, maximum));
            store(e, x, at + i);
            sums = sums.add(e);
        }
        float sum = Lanes.sum(sums);
        for (int i = end; i < 4 * length; i += 4) {
            float e = Lanes.exp(Math.fma(x.get(at + i), scale, -most));
            x.put(at + i, e);
            sum += e;
        }
        return sum;
    }

    private static void scaleRow(Block x, int at, int length, float factor, float flush) {
        int end = Lanes.whole(length) * 4;
        FloatVector scale = Lanes.all(factor);
        FloatVector tiny = Lanes.all(flush);
        for (int i = 0; i < end; i += BYTES) {
            store(load(x, at + i).fma(scale, tiny).sub(tiny), x, at + i);
        }
        for (int i = end; i < 4 * length; i += 4) {
            x.put(at + i, Math.fma(x.get(at + i), factor, flush) - flush);
        }
    }
}
