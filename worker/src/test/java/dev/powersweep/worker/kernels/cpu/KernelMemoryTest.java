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
import java.lang.reflect.Field;
import java.lang.reflect.Modifier;
import java.lang.reflect.Proxy;
import java.util.ArrayDeque;
import java.util.Collections;
import java.util.Deque;
import java.util.IdentityHashMap;
import java.util.List;
import java.util.Optional;
import java.util.Set;
import org.junit.jupiter.api.Test;
import org.nd4j.linalg.api.ndarray.INDArray;

/** A trainer's heap is small and rarely collected, so that no native memory may wait for a collection. */
class KernelMemoryTest {

    private static final BatchSource ZEROS = (step, inputs, targets) -> {};

    @Test
    void closedKernelsHaveGivenAllTheirMemoryBack() {
        AttentionShape shape = new AttentionShape(64, 1, 64, 1);
        AttentionShape other = new AttentionShape(64, 2, 32, 1);
        Set<INDArray> held;
        try (Kernels kernels = new CpuKernels()) {
            Matrix qkv = kernels.allocate(1, 3 * shape.width());
            kernels.rotate(qkv, shape, 1);
            Set<INDArray> before = arrays(kernels);
            kernels.rotate(qkv, other, 1);
            held = arrays(kernels);
            before.removeAll(held);
            // What attention keeps for a shape goes with the shape.
            assertThat(before).hasSize(5).allMatch(INDArray::wasClosed);
            assertThat(held).hasSize(6).noneMatch(INDArray::wasClosed);
        }
        assertThat(held).allMatch(INDArray::wasClosed);
    }

    /** All that an object of the kernels' own classes reaches. */
    private static Set<INDArray> arrays(Object root) {
        Set<INDArray> found = Collections.newSetFromMap(new IdentityHashMap<>());
        Set<Object> seen = Collections.newSetFromMap(new IdentityHashMap<>());
        Deque<Object> next = new ArrayDeque<>(List.of(root));
        while (!next.isEmpty()) {
            Object each = next.pop();
            if (each instanceof INDArray array) {
                found.add(array);
            } else if (each instanceof Optional<?> optional) {
                optional.ifPresent(next::push);
            } else if (each instanceof Iterable<?> items) {
                items.forEach(next::push);
            } else if (each.getClass().getPackage() == CpuKernels.class.getPackage() && seen.add(each)) {
                for (Field field : each.getClass().getDeclaredFields()) {
                    if (!Modifier.isStatic(field.getModifiers())
                            && !field.getType().isPrimitive()) {
                        next.push(value(field, each));
                    }
                }
            }
        }
        return found;
    }

    private static Object value(Field field, Object object) {
        try {
            field.setAccessible(true);
            Object value = field.get(object);
            return value == null ? "" : value;
        } catch (IllegalAccessException e) {
            throw new AssertionError(e);
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
