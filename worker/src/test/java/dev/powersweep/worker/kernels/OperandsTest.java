package dev.powersweep.worker.kernels;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.powersweep.worker.kernels.cpu.CpuKernels;
import dev.powersweep.worker.kernels.nd4j.Nd4jKernels;
import java.util.function.Consumer;
import java.util.stream.Stream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.MethodSource;
import org.nd4j.linalg.api.buffer.DataType;

/** The fast set computes addresses from shapes, so that a wrong shape would write into others' memory. */
class OperandsTest {

    static Stream<Kernels> sets() {
        return Stream.of(new CpuKernels(), new Nd4jKernels(DataType.FLOAT));
    }

    @ParameterizedTest
    @MethodSource("sets")
    void operandsOfShapesThatDoNotBelongTogetherAreRefused(Kernels set) {
        try (Kernels kernels = set) {
            Matrix x = kernels.allocate(3, 4);
            Matrix y = kernels.allocate(3, 5);
            Norm norm = Norm.rmsNorm(kernels.allocate(4));
            AttentionShape shape = new AttentionShape(3, 1, 4, 1);
            refused(kernels, "[4, 5] is needed", k -> k.linear(x, k.allocate(5, 5), y));
            refused(kernels, "[3, 5] is needed", k -> k.linear(x, k.allocate(4, 5), x));
            refused(kernels, "[4, 5] is needed", k -> k.weightGradient(x, y, k.allocate(5, 4)));
            refused(kernels, "[3, 4] is needed", k -> k.weightGradient(x, k.allocate(2, 4), k.allocate(4, 4)));
            refused(kernels, "[4, 3] is needed", k -> k.transpose(x, x));
            refused(kernels, "[3, 4] is needed", k -> k.drop(x, new DropoutMask(.5), y));
            refused(kernels, "[3, 4] is needed", k -> k.multiply(x, y));
            refused(kernels, "[3, 4] is needed", k -> k.normalise(x, norm, y, k.allocate(3, 2)));
            refused(kernels, "[3, 2] is needed", k -> k.normalise(x, norm, x, k.allocate(2, 2)));
            refused(kernels, "[3, 12] is needed", k -> k.rotate(x, shape, 1));
        }
    }

    private static void refused(Kernels kernels, String why, Consumer<Kernels> call) {
        assertThatThrownBy(() -> call.accept(kernels))
                .isInstanceOf(IllegalArgumentException.class)
                .hasMessageContaining(why);
    }

    @Test
    void aMatrixLargerThanItsMemoryIsRefused() {
        try (Kernels kernels = new CpuKernels()) {
            Matrix matrix = kernels.allocate(3, 4);
            assertThat(matrix.first(2).length()).isEqualTo(8);
            assertThat(matrix.first(3)).isSameAs(matrix);
            assertThatThrownBy(() -> matrix.first(4))
                    .isInstanceOf(IllegalArgumentException.class)
                    .hasMessage("a matrix [4, 4] in a span of 12 numbers");
        }
    }
}
