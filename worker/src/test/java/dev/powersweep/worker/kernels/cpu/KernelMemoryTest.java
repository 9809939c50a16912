package dev.powersweep.worker.kernels.cpu;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.powersweep.worker.Cells;
import dev.powersweep.worker.cell.Cell;
import dev.powersweep.worker.kernels.AttentionShape;
import dev.powersweep.worker.kernels.Kernels;
import dev.powersweep.worker.kernels.Matrix;
import dev.powersweep.worker.train.BatchSource;
import dev.powersweep.worker.train.TrainingSession;
import java.lang.reflect.Proxy;
import org.bytedeco.javacpp.Pointer;
import org.junit.jupiter.api.Test;

/** A trainer's heap is small and rarely collected, so that no native memory may wait for a collection. */
class KernelMemoryTest {

    private static final BatchSource ZEROS = (step, inputs, targets) -> {};

    @Test
    void closedKernelsHaveGivenAllTheirMemoryBack() {
        // Working memory of attention is 8 MB for this shape.
        AttentionShape shape = new AttentionShape(1024, 1, 1024, 1);
        AttentionShape other = new AttentionShape(1024, 2, 512, 1);
        turn(shape, other);
        long before = Pointer.physicalBytes();
        for (int round = 0; round < 16; round++) {
            turn(shape, other);
        }
        assertThat(Pointer.physicalBytes() - before).isLessThan(100L << 20);
    }

    private static void turn(AttentionShape... shapes) {
        try (Kernels kernels = new CpuKernels()) {
            Matrix qkv = kernels.allocate(1, 3 * shapes[0].width());
            for (AttentionShape shape : shapes) {
                kernels.rotate(qkv, shape, 1);
            }
        }
    }

    @Test
    void aSessionThatCouldNotBeMadeHasClosedItsKernels() {
        Cell cell = Cells.tiny(3, 4, 1000, 0);
        int[] left = {9};
        boolean[] closed = {false};
        CpuKernels real = new CpuKernels();
        Kernels scarce = (Kernels) Proxy.newProxyInstance(
                Kernels.class.getClassLoader(), new Class<?>[] {Kernels.class}, (proxy, method, arguments) -> {
                    if (method.getName().equals("allocate") && left[0]-- == 0) {
                        throw new OutOfMemoryError("no more");
                    }
                    closed[0] |= method.getName().equals("close");
                    return method.invoke(real, arguments);
                });
        assertThatThrownBy(() -> TrainingSession.create(cell, ZEROS, scarce, 0)).isInstanceOf(OutOfMemoryError.class);
        assertThat(closed[0]).isTrue();
    }
}
