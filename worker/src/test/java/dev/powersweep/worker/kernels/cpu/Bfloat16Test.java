package dev.powersweep.worker.kernels.cpu;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.assertj.core.api.Assertions.within;
import static org.junit.jupiter.api.Assumptions.assumeTrue;

import dev.powersweep.worker.cell.ModelShape;
import dev.powersweep.worker.cell.ModelShape.Activation;
import dev.powersweep.worker.cell.ModelShape.Embeddings;
import dev.powersweep.worker.cell.ModelShape.Normalization;
import dev.powersweep.worker.cell.ModelShape.Positions;
import dev.powersweep.worker.cell.Precision;
import dev.powersweep.worker.kernels.Kernels;
import dev.powersweep.worker.kernels.LinearMap;
import dev.powersweep.worker.kernels.LinearMap.Layout;
import dev.powersweep.worker.kernels.Matrix;
import dev.powersweep.worker.kernels.Span;
import dev.powersweep.worker.kernels.nd4j.Nd4jKernels;
import dev.powersweep.worker.model.Models;
import dev.powersweep.worker.model.Models.Fixture;
import dev.powersweep.worker.model.Models.Kind;
import dev.powersweep.worker.model.ParameterLayout.Tensor;
import java.util.Random;
import java.util.stream.Stream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.MethodSource;
import org.nd4j.linalg.api.buffer.DataType;

/** Products of bfloat16 factors beside loops over rounded numbers in double precision. */
class Bfloat16Test {

    private static final long SEED = Long.getLong("test.seed", 20260101);

    /** Of a sum of products, relative to the sum of their sizes; a factor's rounding alone is 2⁻⁹. */
    private static final double SINGLE_PRECISION = 1e-6;

    @ParameterizedTest
    @CsvSource({
        "256, 64, 256, BY_INPUT",
        "256, 256, 64, BY_OUTPUT",
        "37, 211, 333, BY_INPUT",
        "37, 211, 333, BY_OUTPUT",
        "64, 130, 1024, BY_INPUT",
        "5, 1, 7, BY_INPUT",
        "1, 3, 2, BY_OUTPUT",
        "19, 20, 1, BY_OUTPUT",
    })
    void bothPassesTakeRoundedFactorsAndSumInSinglePrecision(int rows, int inputs, int outputs, Layout layout) {
        try (CpuKernels kernels = kernels()) {
            Random random = new Random(SEED);
            Span w = random(kernels, inputs * outputs, random);
            Span dw = random(kernels, inputs * outputs, random);
            Span x = random(kernels, rows * inputs, random);
            Span dy = random(kernels, rows * outputs, random);
            Span y = kernels.allocate((long) rows * outputs);
            Span dx = kernels.allocate((long) rows * inputs);
            float[] before = numbers(dw);
            LinearMap map = kernels.linearMap(w, dw, new LinearMap.Shape(inputs, outputs, layout, rows));
            map.refresh();
            // A pass of fewer rows before the whole one, as an evaluation's last.
            map.forward(new Matrix(x, (rows + 1) / 2, inputs), new Matrix(y, (rows + 1) / 2, outputs));
            Matrix read = new Matrix(x, rows, inputs);
            map.forward(read, new Matrix(y, rows, outputs));
            map.backward(read, new Matrix(dy, rows, outputs), new Matrix(dx, rows, inputs));

            Table weights = new Table(w, inputs, outputs, layout);
            Table in = new Table(x, rows, inputs, Layout.BY_INPUT);
            Table out = new Table(dy, rows, outputs, Layout.BY_INPUT);
            for (int i = 0; i < rows; i++) {
                for (int j = 0; j < outputs; j++) {
                    assertSum(y.get((long) i * outputs + j), 0, in.row(i), weights.column(j));
                }
                for (int j = 0; j < inputs; j++) {
                    assertSum(dx.get((long) i * inputs + j), 0, out.row(i), weights.row(j));
                }
            }
            for (int i = 0; i < inputs; i++) {
                for (int j = 0; j < outputs; j++) {
                    int at = weights.at(i, j);
                    assertSum(dw.get(at), before[at], in.column(i), out.column(j));
                }
            }
        }
    }

    static Stream<Kind> kinds() {
        return Stream.of(
                Models.GPT,
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
    void everyGradientOfAModelIsTheExactOneUpToRoundedFactors(Kind kind) {
        ModelShape shape = kind.shape(2, 40, 2, 120, 33, 67);
        try (CpuKernels narrow = kernels();
                Kernels portable = new Nd4jKernels(DataType.DOUBLE)) {
            Fixture quick = new Fixture(narrow, shape, kind, 3, SEED);
            Fixture exact = new Fixture(portable, shape, kind, 3, SEED);
            assertThat(quick.train()).isCloseTo(exact.train(), within(1e-2));
            for (Tensor tensor : exact.layout.tensors()) {
                double difference = 0;
                double size = 0;
                for (long i = tensor.offset(); i < tensor.offset() + tensor.length(); i++) {
                    double expected = exact.gradients.get(i);
                    difference += Math.pow(quick.gradients.get(i) - expected, 2);
                    size += expected * expected;
                }
                assertThat(Math.sqrt(difference / size))
                        .as("gradient of %s in %s, seed %d", tensor.name(), shape, SEED)
                        .isBetween(1e-5, 3e-2);
            }
        }
    }

    /** Changed weights count from the next refresh on; an old one of a transposed copy would go unnoticed in losses. */
    @Test
    void aRefreshTakesChangedWeightsIntoBothPasses() {
        try (CpuKernels kernels = kernels()) {
            Span w = kernels.allocate(1);
            Span dw = kernels.allocate(1);
            Matrix one = kernels.allocate(1, 1);
            one.data().set(0, 1);
            Matrix y = kernels.allocate(1, 1);
            LinearMap map = kernels.linearMap(w, dw, new LinearMap.Shape(1, 1, Layout.BY_INPUT, 1));
            for (float weight : new float[] {2, -3}) {
                w.set(0, weight);
                map.refresh();
                map.forward(one, y);
                assertThat(y.data().get(0)).isEqualTo(weight);
                map.backward(one, one, y);
                assertThat(y.data().get(0)).isEqualTo(weight);
            }
            assertThat(dw.get(0)).isEqualTo(2);
            Matrix wide = kernels.allocate(1, 64);
            LinearMap later = kernels.linearMap(
                    kernels.allocate(64), kernels.allocate(64), new LinearMap.Shape(1, 64, Layout.BY_INPUT, 1));
            later.refresh();
            later.forward(one, wide);
            later.backward(one, wide, y);
            assertThat(y.data().get(0)).isZero();
        }
    }

    @ParameterizedTest
    @CsvSource({
        "avx2,                    07,  none",
        "avx512_core,             27,  none",
        "avx512_core_vnni,        67,  none",
        "avx512_core_bf16,        e7,  AVX-512",
        "avx512_core_amx,         3e7, AMX",
        "avx2_vnni,               407, none",
    })
    void whatMultipliesFollowsFromTheInstructionsThatOneDnnMayUse(String name, String instructions, String unit) {
        assertThat(Bfloat16Unit.of(Integer.parseInt(instructions, 16))
                        .map(Bfloat16Unit::toString)
                        .orElse("none"))
                .as(name)
                .isEqualTo(unit);
    }

    @Test
    void noCpuHasTf32() {
        assertThatThrownBy(() -> CpuKernels.of(Precision.TF32))
                .isInstanceOf(IllegalArgumentException.class)
                .hasMessage("no CPU multiplies such numbers");
    }

    /** Where the processor has neither unit there is nothing to compare. */
    private static CpuKernels kernels() {
        assumeTrue(
                CpuKernels.objection(Precision.BFLOAT16).isEmpty(), "this processor has neither AVX512-BF16 nor AMX");
        CpuKernels kernels = CpuKernels.of(Precision.BFLOAT16);
        assertThat(kernels.describe()).contains("bfloat16 products by A");
        return kernels;
    }

    private static void assertSum(double actual, double start, double[] a, double[] b) {
        double sum = start;
        double size = Math.abs(start);
        for (int k = 0; k < a.length; k++) {
            sum += a[k] * b[k];
            size += Math.abs(a[k] * b[k]);
        }
        assertThat(actual).as("seed %d", SEED).isCloseTo(sum, within(SINGLE_PRECISION * size));
    }

    /** [rows, columns], rounded. */
    private record Table(Span numbers, int rows, int columns, Layout layout) {
        int at(int row, int column) {
            return layout == Layout.BY_INPUT ? row * columns + column : column * rows + row;
        }

        double[] row(int row) {
            double[] values = new double[columns];
            for (int column = 0; column < columns; column++) {
                values[column] = round((float) numbers.get(at(row, column)));
            }
            return values;
        }

        double[] column(int column) {
            double[] values = new double[rows];
            for (int row = 0; row < rows; row++) {
                values[row] = round((float) numbers.get(at(row, column)));
            }
            return values;
        }

        /** To the nearest number of 8 bits of significand, ties to even. */
        private static float round(float x) {
            int bits = Float.floatToRawIntBits(x);
            return Float.intBitsToFloat(bits + 0x7FFF + (bits >>> 16 & 1) & 0xFFFF0000);
        }
    }

    private static Span random(CpuKernels kernels, int length, Random random) {
        Span span = kernels.allocate(length);
        for (int i = 0; i < length; i++) {
            span.set(i, random.nextGaussian());
        }
        return span;
    }

    private static float[] numbers(Span span) {
        float[] numbers = new float[(int) span.length()];
        span.bytes().asFloatBuffer().get(numbers);
        return numbers;
    }
}
