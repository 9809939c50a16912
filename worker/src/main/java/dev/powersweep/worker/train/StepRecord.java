package dev.powersweep.worker.train;

/**
 * What one optimiser step measured.
 *
 * @param step 1 for the first step of a run
 * @param loss mean loss of the batch before the update, nats/token
 * @param learningRate used by the update, before any μP scaling
 * @param gradientNorm global L2 norm before clipping
 * @param gradientSquareSmall |G_small|²: mean over micro-batches of the squared norm of a micro-batch's mean gradient
 *     (McCandlish et al. 2018, appendix A.1); NaN when the batch is a single micro-batch
 * @param gradientSquareBig |G_big|²: squared norm of the batch's mean gradient
 * @param tokens consumed by this step
 */
public record StepRecord(
        long step,
        double loss,
        double learningRate,
        double gradientNorm,
        double gradientSquareSmall,
        double gradientSquareBig,
        long tokens) {}
