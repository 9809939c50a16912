package dev.powersweep.worker.network;

import dev.powersweep.worker.kernels.KernelChoice;
import dev.powersweep.worker.kernels.Kernels;
import dev.powersweep.worker.kernels.cpu.CpuKernels;
import dev.powersweep.worker.kernels.nd4j.Nd4jKernels;
import org.nd4j.linalg.api.buffer.DataType;
import org.nd4j.linalg.factory.Nd4j;

/** Opens kernel sets. */
public final class KernelSets {

    private static final String VECTOR_MODULE = "jdk.incubator.vector";

    private KernelSets() {}

    /** @throws IllegalArgumentException when the fast set is asked for where it cannot run */
    public static Kernels open(KernelChoice choice) {
        return switch (choice) {
            case FAST -> {
                if (!vectors()) {
                    throw new IllegalArgumentException(
                            "the fast CPU kernels need the Vector API; start the trainer with --add-modules="
                                    + VECTOR_MODULE + ", or choose the portable kernels");
                }
                if (!onHost()) {
                    throw new IllegalArgumentException("the fast CPU kernels need ND4J's CPU backend, and "
                            + Nd4j.getBackend().getClass().getSimpleName()
                            + " is loaded; choose the portable kernels");
                }
                yield new CpuKernels();
            }
            case PORTABLE -> new Nd4jKernels(DataType.FLOAT);
            case AUTOMATIC -> vectors() && onHost() ? new CpuKernels() : new Nd4jKernels(DataType.FLOAT);
        };
    }

    private static boolean vectors() {
        return ModuleLayer.boot().findModule(VECTOR_MODULE).isPresent();
    }

    private static boolean onHost() {
        return Nd4j.getBackend().getClass().getSimpleName().startsWith("Cpu");
    }
}
