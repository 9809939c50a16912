package dev.powersweep.worker.network;

import dev.powersweep.worker.cell.Precision;
import dev.powersweep.worker.kernels.KernelChoice;
import dev.powersweep.worker.kernels.Kernels;
import dev.powersweep.worker.kernels.cpu.CpuKernels;
import dev.powersweep.worker.kernels.nd4j.Nd4jKernels;
import java.util.Optional;
import org.nd4j.linalg.api.buffer.DataType;
import org.nd4j.linalg.factory.Nd4j;

/** Opens kernel sets. */
public final class KernelSets {

    private static final String VECTOR_MODULE = "jdk.incubator.vector";

    private KernelSets() {}

    /** With products in single precision, as {@link #open(KernelChoice, Precision)}. */
    public static Kernels open(KernelChoice choice) {
        return open(choice, Precision.FLOAT32);
    }

    /** Why the set has no products of such numbers here, as a clause; empty where it has. */
    public static Optional<String> objection(KernelChoice choice, Precision precision) {
        if (precision == Precision.FLOAT32) {
            return Optional.empty();
        }
        if (choice == KernelChoice.PORTABLE || !vectors() || !onHost()) {
            return Optional.of("the portable kernels multiply in float32 alone");
        }
        return CpuKernels.objection(precision);
    }

    /** @throws IllegalArgumentException when what is asked for cannot run here, in one sentence */
    public static Kernels open(KernelChoice choice, Precision precision) {
        objection(choice, precision).ifPresent(objection -> {
            throw new IllegalArgumentException(objection);
        });
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
                yield CpuKernels.of(precision);
            }
            case PORTABLE -> new Nd4jKernels(DataType.FLOAT);
            case AUTOMATIC -> vectors() && onHost() ? CpuKernels.of(precision) : new Nd4jKernels(DataType.FLOAT);
        };
    }

    private static boolean vectors() {
        return ModuleLayer.boot().findModule(VECTOR_MODULE).isPresent();
    }

    private static boolean onHost() {
        return Nd4j.getBackend().getClass().getSimpleName().startsWith("Cpu");
    }
}
