package dev.powersweep.worker.gpu;

import dev.powersweep.worker.cell.Cell;
import dev.powersweep.worker.cell.TrainingRule;
import dev.powersweep.worker.model.RandomStream;
import java.nio.ByteBuffer;

/**
 * What the host decides of one step of one cell, as kernels read it (cell.cuh). The numbers are rounded as the CPU's updates
 * have them.
 *
 * @param hiddenRate learning rate of hidden matrices divided by 1 − β1ᵗ
 * @param rate the same of all other parameters
 * @param keep factor of a decayed parameter: 1 − learningRate·weightDecay
 * @param inverseSecondCorrection 1/√(1 − β2ᵗ)
 */
record StepPlan(long dropoutKey, float hiddenRate, float rate, float keep, float inverseSecondCorrection) {

    static final int BYTES = Long.BYTES + 4 * Float.BYTES;

    /**
     * @param seed the cell's
     * @param learningRate of this step before any scaling
     * @param hiddenScale factor of the rate of hidden matrices
     */
    static StepPlan of(Cell cell, long seed, long step, double learningRate, double hiddenScale) {
        TrainingRule rule = cell.training();
        double firstCorrection = 1 - StrictMath.pow(rule.beta1(), step);
        double secondCorrection = 1 - StrictMath.pow(rule.beta2(), step);
        return new StepPlan(
                RandomStream.key(seed, "dropout", step, 0),
                (float) (learningRate * hiddenScale / firstCorrection),
                (float) (learningRate / firstCorrection),
                (float) (1 - learningRate * rule.weightDecay()),
                (float) (1 / Math.sqrt(secondCorrection)));
    }

    void write(ByteBuffer to) {
        to.putLong(dropoutKey)
                .putFloat(hiddenRate)
                .putFloat(rate)
                .putFloat(keep)
                .putFloat(inverseSecondCorrection);
    }
}
