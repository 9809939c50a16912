package dev.powersweep.worker.kernels;

import java.util.Optional;

/**
 * Parameters of a norm, or their gradients: LayerNorm (Ba et al. 2016) or RMSNorm (Zhang and Sennrich 2019).
 *
 * @param gain [width]
 * @param bias [width]; empty for RMSNorm, which does not subtract the mean either
 */
public record Norm(Span gain, Optional<Span> bias) {

    /** Added to a variance under the root. */
    public static final double EPSILON = 1e-5;

    public static Norm layerNorm(Span gain, Span bias) {
        return new Norm(gain, Optional.of(bias));
    }

    public static Norm rmsNorm(Span gain) {
        return new Norm(gain, Optional.empty());
    }
}
