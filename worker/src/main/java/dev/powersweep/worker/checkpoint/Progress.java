package dev.powersweep.worker.checkpoint;

import dev.powersweep.worker.cell.Frame;
import java.util.List;
import java.util.OptionalDouble;

/**
 * What a checkpoint holds besides parameters and moments. Data order and dropout are functions of the cell and the
 * step, so neither has state here.
 *
 * @param bestLoss lowest evaluation loss of the first set so far, nats/token; empty before the first evaluation
 * @param evaluationsWithoutImprovement since {@code bestLoss}
 * @param stepsAboveBound consecutive steps up to now whose loss was above the divergence bound
 * @param trainingLoss of the last step, nats/token; empty before the first step
 * @param evaluations of the newest evaluated step, one a set; empty before the first evaluation
 */
public record Progress(
        OptionalDouble bestLoss,
        int evaluationsWithoutImprovement,
        int stepsAboveBound,
        OptionalDouble trainingLoss,
        List<Frame.Evaluation> evaluations) {
    public static final Progress START = new Progress(OptionalDouble.empty(), 0, 0, OptionalDouble.empty(), List.of());

    public Progress {
        evaluations = List.copyOf(evaluations);
    }
}
