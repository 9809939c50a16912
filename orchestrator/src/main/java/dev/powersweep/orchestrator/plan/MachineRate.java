package dev.powersweep.orchestrator.plan;

/**
 * What one core does.
 *
 * @param gemmFlopsPerSecond single-precision matrix products
 * @param elementsPerSecond passes of the fused element-wise kernels over activations
 */
public record MachineRate(double gemmFlopsPerSecond, double elementsPerSecond) {

    /** One Zen 4 core with 512-bit vectors: fitted to the trainer's own rates at six shapes. */
    public static final MachineRate REFERENCE = new MachineRate(110e9, 1.1e8);

    /** A machine whose matrix products run at another rate, all else in proportion. */
    public static MachineRate ofGemm(double gemmFlopsPerSecond) {
        double ratio = gemmFlopsPerSecond / REFERENCE.gemmFlopsPerSecond;
        return new MachineRate(gemmFlopsPerSecond, REFERENCE.elementsPerSecond * ratio);
    }
}
