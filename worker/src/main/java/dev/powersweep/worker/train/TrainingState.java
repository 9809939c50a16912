package dev.powersweep.worker.train;

import java.nio.ByteBuffer;

/**
 * All that a run needs to go on bit-identically; random streams are functions of the cell and the step and have no state.
 *
 * <p>The buffers hold the flat vectors of {@link dev.powersweep.worker.model.ParameterLayout} in little-endian
 * single precision. Those that {@link TrainingSession#state()} gives are live views of the session's own
 * memory, positioned at 0: write them out before the next step.
 *
 * @param step steps done
 * @param stepsAboveBound consecutive steps whose loss was above the divergence bound
 * @param parameters {@code layout.length()·4} bytes
 * @param firstMoments AdamW's m, the same size
 * @param secondMoments AdamW's v, the same size
 */
public record TrainingState(
        long step, int stepsAboveBound, ByteBuffer parameters, ByteBuffer firstMoments, ByteBuffer secondMoments) {}
