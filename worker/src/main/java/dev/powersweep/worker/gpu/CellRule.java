package dev.powersweep.worker.gpu;

import dev.powersweep.worker.cell.Cell;
import dev.powersweep.worker.cell.TrainingRule;
import dev.powersweep.worker.kernels.DropoutMask;
import dev.powersweep.worker.model.Parametrisation;
import java.nio.ByteBuffer;

/**
 * What of a cell stays the same from step to step, as kernels read it (cell.cuh).
 *
 * @param ringStart first of the cell's tokens in the pool
 * @param ringLength how many there are
 */
record CellRule(
        float attentionScale,
        float logitScale,
        int keepBelow,
        float keepScale,
        float beta1,
        float complement1,
        float beta2,
        float complement2,
        float epsilon,
        int divergenceWindow,
        double clip,
        double lossBound,
        long ringStart,
        long ringLength) {

    static final int BYTES = 10 * Integer.BYTES + 4 * Long.BYTES;

    static CellRule of(Cell cell, long ringStart, long ringLength) {
        TrainingRule rule = cell.training();
        Parametrisation parametrisation = Parametrisation.of(cell.shape(), rule);
        DropoutMask mask = new DropoutMask(rule.dropout());
        return new CellRule(
                parametrisation.attentionScale(),
                parametrisation.logitScale(),
                mask.keepBelow(),
                mask.scale(),
                (float) rule.beta1(),
                (float) (1 - rule.beta1()),
                (float) rule.beta2(),
                (float) (1 - rule.beta2()),
                (float) rule.epsilon(),
                rule.divergence().windowSteps(),
                rule.gradientClip(),
                Math.log(cell.shape().vocabulary()) + rule.divergence().lossAboveInitial(),
                ringStart,
                ringLength);
    }

    void write(ByteBuffer to) {
        to.putFloat(attentionScale).putFloat(logitScale).putInt(keepBelow).putFloat(keepScale);
        to.putFloat(beta1)
                .putFloat(complement1)
                .putFloat(beta2)
                .putFloat(complement2)
                .putFloat(epsilon);
        to.putInt(divergenceWindow).putDouble(clip).putDouble(lossBound);
        to.putLong(ringStart).putLong(ringLength);
    }
}
