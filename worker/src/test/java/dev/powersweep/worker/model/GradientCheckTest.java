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
import java.util.Arrays;
import java.util.Comparator;
import java.util.Random;
import java.util.stream.IntStream;
import java.util.stream.Stream;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.MethodSource;
import org.nd4j.linalg.api.buffer.DataType;

class GradientCheckTest {

    private static final long SEED = Long.getLong("test.seed", 20260101);
    private static final double STEP = 1e-4;
    private static final double MOST_ERROR = 1e-7;

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

    /** Every combination of choices. */
    static Stream<Kind> all() {
        return Models.all();
    }

    /**
     * One parameter at a time: the first and the last of every tensor, those of largest gradient, and some others. The
     * error is relative to the derivative itself, or to a hundredth of the tensor's typical one where that is larger.
     */
    @ParameterizedTest
    @MethodSource("kinds")
    void portableGradientsAreTheDerivativesOfTheLossForSingleParameters(Kind kind) {
        checkEntries(kind, 1, 0);
    }

    @ParameterizedTest
    @MethodSource("all")
    @Tag("nightly")
    void portableGradientsAreTheDerivativesForManyParametersOfEveryKind(Kind kind) {
        checkEntries(kind, 2, 3);
    }

    private static void checkEntries(Kind kind, int layers, int randomEntries) {
        try (Kernels kernels = new Nd4jKernels(DataType.DOUBLE)) {
            Fixture model = new Fixture(kernels, kind.shape(layers, 8, 2, 12, 5, 7), kind, 2, SEED);
            double[] gradient = gradient(model);
            Random random = new Random(SEED);
            for (Tensor tensor : model.layout.tensors()) {
                int from = (int) tensor.offset();
                int length = (int) tensor.length();
                double[] part = Arrays.copyOfRange(gradient, from, from + length);
                double typical = Math.sqrt(Arrays.stream(part).map(g -> g * g).sum() / length);
                int steepest = IntStream.range(0, length)
                        .boxed()
                        .max(Comparator.comparingDouble(i -> Math.abs(part[i])))
                        .orElseThrow();
                IntStream entries =
                        IntStream.concat(IntStream.of(0, length - 1, steepest), random.ints(randomEntries, 0, length));
                for (int entry : entries.distinct().toArray()) {
                    double scale = Math.max(Math.abs(part[entry]), typical / 100);
                    double error = Double.POSITIVE_INFINITY;
                    // A step that crosses the kink in a squared ReLU's slope measures a mean of both sides; a
                    // derivative that is wrong is wrong for every step.
                    for (double step = 1e-3; error > MOST_ERROR && step > 5e-6; step /= 10) {
                        error = error(kind, model, from + entry, part[entry], step) / scale;
                    }
                    assertThat(error)
                            .as(
                                    "entry %d of %s of %s, gradient %s (seed %d)",
                                    entry, tensor.name(), kind, part[entry], SEED)
                            .isLessThan(MOST_ERROR);
                }
            }
        }
    }

    /** Between the gradient and a central difference of fourth order. */
    private static double error(Kind kind, Fixture model, int index, double gradient, double step) {
        double value = model.parameters.get(index);
        double[] losses = new double[4];
        double[] places = {-2, -1, 1, 2};
        for (int i = 0; i < places.length; i++) {
            model.parameters.set(index, value + places[i] * step);
            losses[i] = kind.dropout() > 0 ? model.train() : model.score();
        }
        model.parameters.set(index, value);
        return Math.abs((8 * (losses[2] - losses[1]) - (losses[3] - losses[0])) / (12 * step) - gradient);
    }

    private static double[] gradient(Fixture model) {
        model.train();
        double[] gradient = new double[(int) model.layout.length()];
        for (int i = 0; i < gradient.length; i++) {
            gradient[i] = model.gradients.get(i);
        }
        return gradient;
    }

    @ParameterizedTest
    @MethodSource("kinds")
    void portableGradientsAreTheDerivativesOfTheLossForEveryTensor(Kind kind) {
        try (Kernels kernels = new Nd4jKernels(DataType.DOUBLE)) {
            Fixture model = new Fixture(kernels, kind.shape(2, 8, 2, 12, 5, 7), kind, 2, SEED);
            double[] gradient = gradient(model);
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
