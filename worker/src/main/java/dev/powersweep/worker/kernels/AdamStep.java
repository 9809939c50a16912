package dev.powersweep.worker.kernels;

/**
 * The numbers of one AdamW update of one tensor.
 *
 * @param gradientScale factor of the stored gradient (clipping)
 * @param complement1 1 − β1, rounded once
 * @param complement2 1 − β2, rounded once
 * @param rate learning rate divided by 1 − β1ᵗ
 * @param inverseSecondCorrection 1/√(1 − β2ᵗ)
 * @param keep factor of the old parameter: 1 − learningRate·weightDecay
 */
public record AdamStep(
        float gradientScale,
        float beta1,
        float complement1,
        float beta2,
        float complement2,
        float epsilon,
        float rate,
        float inverseSecondCorrection,
        float keep) {}
