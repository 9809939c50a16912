package dev.powersweep.worker.kernels;

import dev.powersweep.worker.kernels.cpu.CpuKernels;

/** Opens kernel sets. */
public final class KernelSets {

    private static final String VECTOR_MODULE = "jdk.incubator.vector";

    private KernelSets() {}

    /** @throws IllegalArgumentException when the fast set is asked for where it cannot run */
    public static Kernels open(KernelChoice choice) {
        boolean vectors = ModuleLayer.boot().findModule(VECTOR_MODULE).isPresent();
        return switch (choice) {
            case FAST -> {
                if (!vectors) {
                    throw new IllegalArgumentException(
                            "the fast CPU kernels need the Vector API; start the trainer with --add-modules="
                                    + VECTOR_MODULE + ", or choose the portable kernels");
                }
                yield new CpuKernels();
            }
            case AUTOMATIC, PORTABLE -> new CpuKernels();
        };
    }
}
