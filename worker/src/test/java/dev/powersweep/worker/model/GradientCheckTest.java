package dev.powersweep.worker.model;

import static org.assertj.core.api.Assertions.assertThat;

import dev.powersweep.worker.cell.ModelShape.Activation;
import dev.powersweep.worker.cell.ModelShape.Embeddings;
import dev.powersweep.worker.cell.ModelShape.Normalization;
import dev.powersweep.worker.cell.ModelShape.Positions;
import dev.powersweep.worker.kernels.Kernels;
import dev.powersweep.worker.kernels.nd4j.Nd4jKernels;
import dev.powersweep.worker.model.Models.Fixture;
import dev.powersweep.worker.model.Models.Kind;
import dev.powersweep.worker.model.ParameterLayout.Tensor;
import java.util.Random;
import java.util.stream.Stream;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.MethodSource;
import org.nd4j.linalg.api.buffer.DataType;

class GradientCheckTest {

    private static final long SEED = Long.getLong("test.seed", 20260101);
    private static final double STEP = 1e-4;

    static Stream<Kind> kinds() {
        return Stream.of(
                Models.GPT,
                new Kind(
                        Activation.SQUARED_RELU,
                        Positions.LEARNED,
                        Normalization.LAYER_NORM,
                        Embeddings.TIED,
                        false,
                        0),
                new Kind(Activation.GELU, Positions.ROTARY, Normalization.LAYER_NORM, Embeddings.TIED, false, 0),
                new Kind(Activation.GELU, Positions.LEARNED, Normalization.RMS_NORM, Embeddings.TIED, false, 0),
                new Kind(Activation.GELU, Positions.LEARNED, Normalization.LAYER_NORM, Embeddings.UNTIED, false, 0),
                new Kind(Activation.GELU, Positions.LEARNED, Normalization.LAYER_NORM, Embeddings.TIED, true, 0),
                new Kind(Activation.GELU, Positions.LEARNED, Normalization.LAYER_NORM, Embeddings.TIED, false, 0.2),
                new Kind(
                        Activation.SQUARED_RELU,
                        Positions.ROTARY,
                        Normalization.RMS_NORM,
                        Embeddings.UNTIED,
                        true,
                        0.1));
    }

    @ParameterizedTest
    @MethodSource("kinds")
    void portableGradientsAreTheDerivativesOfTheLossForEveryTensor(Kind kind) {
        try (Kernels kernels = new Nd4jKernels(DataType.DOUBLE)) {
            Fixture model = new Fixture(kernels, kind.shape(2, 8, 2, 12, 5, 7), kind, 2, SEED);
            model.train();
            double[] gradient = new double[(int) model.layout.length()];
            for (int i = 0; i < gradient.length; i++) {
                gradient[i] = model.gradients.get(i);
            }
            Random random = new Random(SEED);
            for (Tensor tensor : model.layout.tensors()) {
                double[] direction = random.doubles(tensor.length(), -1, 1).toArray();
                double predicted = 0;
                double size = 0;
                for (int i = 0; i < direction.length; i++) {
                    double g = gradient[(int) tensor.offset() + i];
                    predicted += direction[i] * g;
                    size += g * g;
                }
                double near = lossAlong(kind, model, tensor, direction, STEP)
                        - lossAlong(kind, model, tensor, direction, -STEP);
                double far = lossAlong(kind, model, tensor, direction, 2 * STEP)
                        - lossAlong(kind, model, tensor, direction, -2 * STEP);
                double measured = (8 * near - far) / (12 * STEP);
                assertThat(Math.abs(measured - predicted) / Math.sqrt(size))
                        .as(
                                "%s of %s: %s by differences, %s by the backward pass (seed %d)",
                                tensor.name(), kind, measured, predicted, SEED)
                        .isLessThan(1e-7);
            }
        }
    }

    private static double lossAlong(Kind kind, Fixture model, Tensor tensor, double[] direction, double step) {
        double[] before = new double[direction.length];
        for (int i = 0; i < direction.length; i++) {
            before[i] = model.parameters.get(tensor.offset() + i);
            model.parameters.set(tensor.offset() + i, before[i] + step * direction[i]);
        }
        double loss = kind.dropout() > 0 ? model.train() : model.score();
        for (int i = 0; i < direction.length; i++) {
            model.parameters.set(tensor.offset() + i, before[i]);
        }
        return loss;
    }
}
