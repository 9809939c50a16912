package dev.powersweep.worker.kernels.cpu;

import static org.assertj.core.api.Assertions.assertThat;

import dev.powersweep.worker.cell.ModelShape.Activation;
import dev.powersweep.worker.kernels.AdamStep;
import dev.powersweep.worker.kernels.EmbeddingTables;
import dev.powersweep.worker.kernels.Flush;
import dev.powersweep.worker.kernels.Kernels;
import dev.powersweep.worker.kernels.Matrix;
import dev.powersweep.worker.kernels.Norm;
import dev.powersweep.worker.kernels.Span;
import dev.powersweep.worker.kernels.nd4j.Nd4jKernels;
import dev.powersweep.worker.model.Models;
import dev.powersweep.worker.model.Models.Fixture;
import dev.powersweep.worker.model.Models.Kind;
import java.lang.reflect.Proxy;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.util.Map;
import java.util.Random;
import java.util.TreeMap;
import java.util.function.DoubleUnaryOperator;
import java.util.function.Supplier;
import java.util.stream.Stream;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.Arguments;
import org.junit.jupiter.params.provider.MethodSource;
import org.nd4j.linalg.api.buffer.DataType;

/** What high learning rates make of weights leaves no subnormal number behind, which would slow every later operation. */
class ExtremeNumbersTest {

    private static final long SEED = Long.getLong("test.seed", 20260101);

    static Stream<Arguments> sets() {
        Supplier<Kernels> fast = CpuKernels::new;
        Supplier<Kernels> portable = () -> new Nd4jKernels(DataType.FLOAT);
        return Stream.of(Arguments.of("fast", fast), Arguments.of("portable", portable));
    }

    static Stream<Arguments> models() {
        Kind other = new Kind(
                Activation.SQUARED_RELU,
                dev.powersweep.worker.cell.ModelShape.Positions.ROTARY,
                dev.powersweep.worker.cell.ModelShape.Normalization.RMS_NORM,
                dev.powersweep.worker.cell.ModelShape.Embeddings.UNTIED,
                false,
                0);
        return sets().flatMap(set -> Stream.of(Models.GPT, other).flatMap(kind -> Stream.of(1.0, 4.0, 16.0)
                .map(factor -> Arguments.of(set.get()[0], set.get()[1], kind, factor))));
    }

    @ParameterizedTest
    @MethodSource("models")
    void noKernelWritesASubnormalNumber(String set, Supplier<Kernels> open, Kind kind, double factor) {
        Map<String, Long> subnormal = new TreeMap<>();
        try (Kernels kernels = open.get()) {
            Fixture model = new Fixture(watched(kernels, subnormal), kind.shape(2, 20, 2, 77, 19, 67), kind, 2, SEED);
            for (long i = 0; i < model.parameters.length(); i++) {
                model.parameters.set(i, factor * model.parameters.get(i));
            }
            assertThat(model.train()).isFinite();
        }
        assertThat(subnormal)
                .as("subnormal numbers by operation, seed %d", SEED)
                .isEmpty();
    }

    @ParameterizedTest
    @MethodSource("sets")
    void momentsThatDecayBecomeNoSubnormalNumbers(String set, Supplier<Kernels> open) {
        AdamStep step = new AdamStep(0.01f, 0.9f, 0.1f, 0.95f, 0.05f, 1e-8f, 3e-3f, 1.7f, 1);
        Random random = new Random(SEED);
        DoubleUnaryOperator anySize = exponent -> Math.pow(10, -exponent * random.nextDouble());
        try (Kernels kernels = open.get()) {
            int length = 4099;
            Span parameters = kernels.allocate(length);
            Span gradients = kernels.allocate(length);
            Span first = kernels.allocate(length);
            Span second = kernels.allocate(length);
            for (int i = 0; i < length; i++) {
                parameters.set(i, random.nextGaussian());
                gradients.set(i, anySize.applyAsDouble(37) * random.nextGaussian());
                first.set(i, anySize.applyAsDouble(25) * random.nextGaussian());
                second.set(i, anySize.applyAsDouble(25));
            }
            for (int i = 0; i < 1500; i++) {
                kernels.adamw(parameters, gradients, first, second, step);
                kernels.zero(gradients);
                if (i % 20 > 0) {
                    continue;
                }
                assertThat(subnormal(first) + subnormal(second) + subnormal(parameters))
                        .isZero();
            }
            for (int i = 0; i < length; i++) {
                // Rounding stops the last multiples from falling further.
                assertThat(Math.abs(first.get(i))).isLessThan(Flush.GRADIENT);
                assertThat(second.get(i)).isBetween(0.0, (double) Flush.SECOND_MOMENT);
            }
        }
    }

    /** Products with gradients as small as 2⁻³⁵ are normal numbers then. */
    @ParameterizedTest
    @MethodSource("sets")
    void squaresOfUnitsThatDieEndFarAboveTheSubnormalNumbers(String set, Supplier<Kernels> open) {
        Random random = new Random(SEED);
        try (Kernels kernels = open.get()) {
            int length = 4099;
            Matrix x = kernels.allocate(1, length);
            Matrix derivative = kernels.allocate(1, length);
            for (int i = 0; i < length; i++) {
                x.data().set(i, (random.nextInt(4) == 0 ? -1 : 1) * Math.pow(2, -70 * random.nextDouble()));
            }
            kernels.activate(x, derivative, Activation.SQUARED_RELU);
            for (int i = 0; i < length; i++) {
                double square = x.data().get(i);
                assertThat(square == 0 || square >= 0x1p-89)
                        .as("square %s, seed %d", square, SEED)
                        .isTrue();
            }
        }
    }

    /** The set, with every number counted that an operation leaves below the smallest normal one. */
    private static Kernels watched(Kernels kernels, Map<String, Long> subnormal) {
        return (Kernels) Proxy.newProxyInstance(
                Kernels.class.getClassLoader(), new Class<?>[] {Kernels.class}, (proxy, method, arguments) -> {
                    Object result = method.invoke(kernels, arguments);
                    for (Object argument : arguments == null ? new Object[0] : arguments) {
                        long count = spans(argument)
                                .mapToLong(ExtremeNumbersTest::subnormal)
                                .sum();
                        if (count > 0) {
                            subnormal.merge(method.getName(), count, Long::sum);
                        }
                    }
                    return result;
                });
    }

    private static Stream<Span> spans(Object operand) {
        if (operand instanceof Span span) {
            return Stream.of(span);
        }
        if (operand instanceof Matrix matrix) {
            return Stream.of(matrix.data());
        }
        if (operand instanceof Norm norm) {
            return Stream.concat(Stream.of(norm.gain()), norm.bias().stream());
        }
        if (operand instanceof EmbeddingTables tables) {
            return Stream.concat(Stream.of(tables.tokens()), tables.positions().stream())
                    .map(Matrix::data);
        }
        return Stream.empty();
    }

    private static long subnormal(Span span) {
        ByteBuffer numbers = span.bytes().order(ByteOrder.LITTLE_ENDIAN);
        long count = 0;
        while (numbers.hasRemaining()) {
            float number = Math.abs(numbers.getFloat());
            if (number > 0 && number < Float.MIN_NORMAL) {
                count++;
            }
        }
        return count;
    }
}
