package dev.powersweep.worker.gpu;

import dev.powersweep.worker.train.StepRecord;
import java.nio.ByteBuffer;

/** What one step measured, as kernels write it (cell.cuh). See {@link StepRecord}. */
record StepResult(long step, StepOutcome outcome, double loss, double gradientSquareSmall, double gradientSquareBig) {

    static final int BYTES = 5 * Long.BYTES;

    static StepResult read(ByteBuffer from) {
        return new StepResult(
                from.getLong(), StepOutcome.of(from.getLong()), from.getDouble(), from.getDouble(), from.getDouble());
    }

    StepRecord record(double learningRate, long tokens) {
        return new StepRecord(
                step, loss, learningRate, Math.sqrt(gradientSquareBig), gradientSquareSmall, gradientSquareBig, tokens);
    }
}
