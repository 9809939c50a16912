package dev.powersweep.worker.kernels;

/** Which kernel set a trainer runs on. */
public enum KernelChoice {
    /** The fast CPU set where this JVM and processor carry it, the portable set otherwise. */
    AUTOMATIC,
    /** Vector API kernels and direct BLAS calls; single precision, CPU only. */
    FAST,
    /** ND4J operations alone; any ND4J backend. */
    PORTABLE
}
