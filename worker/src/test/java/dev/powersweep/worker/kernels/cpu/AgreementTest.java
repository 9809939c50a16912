package dev.powersweep.worker.kernels.cpu;

import static org.assertj.core.api.Assertions.assertThat;

import dev.powersweep.worker.cell.ModelShape;
import dev.powersweep.worker.cell.ModelShape.Activation;
import dev.powersweep.worker.cell.ModelShape.Embeddings;
import dev.powersweep.worker.cell.ModelShape.Normalization;
import dev.powersweep.worker.cell.ModelShape.Positions;
import dev.powersweep.worker.kernels.AdamStep;
import dev.powersweep.worker.kernels.Kernels;
import dev.powersweep.worker.kernels.Span;
import dev.powersweep.worker.kernels.Write;
import dev.powersweep.worker.kernels.nd4j.Nd4jKernels;
import dev.powersweep.worker.model.Models;
import dev.powersweep.worker.model.Models.Fixture;
import dev.powersweep.worker.model.Models.Kind;
import dev.powersweep.worker.model.ParameterLayout.Tensor;
import java.util.Random;
import java.util.stream.Stream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.Arguments;
import org.junit.jupiter.params.provider.MethodSource;
import org.nd4j.linalg.api.buffer.DataType;

/** The fast set against the portable one in double precision. */
class AgreementTest {

    private static final long SEED = Long.getLong("test.seed", 20260101);

    static Stream<Arguments> models() {
        Kind everything = new Kind(
                Activation.SQUARED_RELU, Positions.ROTARY, Normalization.RMS_NORM, Embeddings.UNTIED, true, 0.1);
        Kind rotary =
                new Kind(Activation.GELU, Positions.ROTARY, Normalization.LAYER_NORM, Embeddings.TIED, false, 0.3);
        return Stream.of(
                Arguments.of(Models.GPT, Models.GPT.shape(2, 32, 2, 128, 64, 256), Blas.Cut.WHOLE),
                Arguments.of(Models.GPT, Models.GPT.shape(1, 64, 1, 256, 80, 96), Blas.Cut.BLOCKED),
                // Feed-forward and vocabulary are large enough for oneDNN.
                Arguments.of(Models.GPT, Models.GPT.shape(1, 84, 2, 790, 20, 811), Blas.Cut.BLOCKED),
                Arguments.of(Models.GPT, Models.GPT.shape(2, 21, 3, 50, 37, 67), Blas.Cut.BLOCKED),
                Arguments.of(Models.GPT, Models.GPT.shape(1, 5, 1, 3, 1, 2), Blas.Cut.WHOLE),
                Arguments.of(rotary, rotary.shape(2, 64, 1, 100, 33, 31), Blas.Cut.WHOLE),
                Arguments.of(everything, everything.shape(2, 24, 2, 40, 50, 19), Blas.Cut.BLOCKED),
                Arguments.of(everything, everything.shape(1, 34, 1, 70, 16, 300), Blas.Cut.WHOLE));
    }

    /** Every combination of choices, at a size with tails in every loop. */
    static Stream<Arguments> kinds() {
        return Models.all().map(kind -> Arguments.of(kind, kind.shape(2, 20, 2, 35, 19, 37), Blas.Cut.BLOCKED));
    }

    @ParameterizedTest
    @MethodSource({"models", "kinds"})
    void fastLossesAndGradientsEqualThePortableOnes(Kind kind, ModelShape shape, Blas.Cut cut) {
        try (Kernels fast = new CpuKernels(new Blas(cut, OneDnn.load()));
                Kernels portable = new Nd4jKernels(DataType.DOUBLE)) {
            Fixture quick = new Fixture(fast, shape, kind, 3, SEED);
            Fixture exact = new Fixture(portable, shape, kind, 3, SEED);
            assertThat(quick.train()).isCloseTo(exact.train(), org.assertj.core.data.Offset.offset(1e-6));
            for (Tensor tensor : exact.layout.tensors()) {
                assertThat(relativeError(
                                exact.gradients.part(tensor.offset(), tensor.length()),
                                quick.gradients.part(tensor.offset(), tensor.length())))
                        .as("gradient of %s in %s, seed %d", tensor.name(), shape, SEED)
                        .isLessThan(1e-5);
            }
        }
    }

    @Test
    void fastUpdateEqualsThePortableOne() {
        AdamStep step = new AdamStep(0.7f, 0.9f, 0.1f, 0.99f, 0.01f, 1e-8f, 3e-3f, 1.7f, 0.99f);
        try (Kernels fast = new CpuKernels();
                Kernels portable = new Nd4jKernels(DataType.DOUBLE)) {
            Span[] quick = new Span[4];
            Span[] exact = new Span[4];
            Random random = new Random(SEED);
            for (int i = 0; i < 4; i++) {
                quick[i] = fast.allocate(37);
                exact[i] = portable.allocate(37);
                for (int k = 0; k < 37; k++) {
                    float value = (float) random.nextGaussian();
                    quick[i].set(k, i == 3 ? value * value : value);
                    exact[i].set(k, i == 3 ? (float) (value * value) : value);
                }
            }
            fast.adamw(quick[0], quick[1], quick[2], quick[3], step);
            portable.adamw(exact[0], exact[1], exact[2], exact[3], step);
            for (int i = 0; i < 4; i++) {
                assertThat(relativeError(exact[i], quick[i])).isLessThan(1e-6);
            }
        }
    }

    @Test
    void accumulationAddsAndMeasuresBothParts() {
        try (Kernels fast = new CpuKernels()) {
            Span part = fast.allocate(10_007);
            Span total = fast.allocate(10_007);
            double[] squares = new double[2];
            for (int i = 0; i < part.length(); i++) {
                part.set(i, 1);
            }
            fast.accumulate(part, total, Write.REPLACE, squares);
            assertThat(squares).containsExactly(10_007, 10_007);
            fast.accumulate(part, total, Write.ADD, squares);
            assertThat(squares).containsExactly(10_007, 4 * 10_007);
            assertThat(total.get(10_006)).isEqualTo(2);
        }
    }

    private static double relativeError(Span expected, Span actual) {
        double difference = 0;
        double size = 0;
        for (long i = 0; i < expected.length(); i++) {
            double gap = expected.get(i) - actual.get(i);
            difference += gap * gap;
            size += expected.get(i) * expected.get(i);
        }
        return Math.sqrt(difference / size);
    }
}
