package dev.powersweep.worker.train;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.within;
import static org.junit.jupiter.api.Assumptions.assumeTrue;

import dev.powersweep.worker.cell.Cell;
import dev.powersweep.worker.cell.DataRule;
import dev.powersweep.worker.cell.EvaluationRule;
import dev.powersweep.worker.cell.ModelShape;
import dev.powersweep.worker.cell.ModelShape.Activation;
import dev.powersweep.worker.cell.ModelShape.Embeddings;
import dev.powersweep.worker.cell.ModelShape.Normalization;
import dev.powersweep.worker.cell.ModelShape.Positions;
import dev.powersweep.worker.cell.Schedule;
import dev.powersweep.worker.cell.TrainerCommand;
import dev.powersweep.worker.cell.TrainingRule;
import dev.powersweep.worker.kernels.KernelChoice;
import dev.powersweep.worker.model.AlignedLayout;
import dev.powersweep.worker.model.ParameterLayout;
import dev.powersweep.worker.model.RandomStream;
import java.io.IOException;
import java.io.InputStream;
import java.io.PrintStream;
import java.nio.ByteBuffer;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.Collections;
import java.util.List;
import java.util.Map;
import java.util.OptionalInt;
import java.util.stream.Stream;
import java.util.zip.CRC32C;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.EnumSource;

/**
 * Step tables of earlier versions, bit by bit: what a stored sweep holds, a later trainer must make again.
 *
 * <p>There is a file for each set of instructions; this test writes those that this machine can make with
 * {@code -Dtables.write=FOLDER}. A file's first line names the kernels that made it. The one for AVX2 is made by every
 * x86 machine, whatever more it has, so that no change of a bit passes for another processor's rounding.
 */
class StoredTablesTest {

    private static final int STEPS = 12;
    private static final int VOCABULARY = 67;
    private static final int CONTEXT = 24;

    /** Choices whose tables are stored. */
    enum Options {
        GPT(shape(Activation.GELU, Positions.LEARNED, Normalization.LAYER_NORM, Embeddings.TIED), 0, 0, false, 8),
        RESUMED(shape(Activation.GELU, Positions.LEARNED, Normalization.LAYER_NORM, Embeddings.TIED), 0.1, 0, false, 8),
        UNTIED(shape(Activation.GELU, Positions.LEARNED, Normalization.LAYER_NORM, Embeddings.UNTIED), 0, 0, false, 8),
        RMS_NORM(shape(Activation.GELU, Positions.LEARNED, Normalization.RMS_NORM, Embeddings.TIED), 0, 0, false, 8),
        ROTARY(shape(Activation.GELU, Positions.ROTARY, Normalization.LAYER_NORM, Embeddings.TIED), 0, 0, false, 8),
        SQUARED_RELU(
                shape(Activation.SQUARED_RELU, Positions.LEARNED, Normalization.LAYER_NORM, Embeddings.TIED),
                0,
                0,
                false,
                8),
        DROPOUT(shape(Activation.GELU, Positions.LEARNED, Normalization.LAYER_NORM, Embeddings.TIED), 0.2, 0, false, 8),
        ONE_SEQUENCE(
                shape(Activation.GELU, Positions.LEARNED, Normalization.LAYER_NORM, Embeddings.TIED), 0, 0, false, 1),
        THREE_PASSES(
                shape(Activation.GELU, Positions.LEARNED, Normalization.LAYER_NORM, Embeddings.TIED), 0, 0, false, 12),
        SMALL_PASSES(
                shape(Activation.GELU, Positions.LEARNED, Normalization.LAYER_NORM, Embeddings.TIED), 0, 1, false, 8),
        MUP(shape(Activation.GELU, Positions.LEARNED, Normalization.LAYER_NORM, Embeddings.TIED), 0, 0, true, 8),
        EVERYTHING_ELSE(
                shape(Activation.SQUARED_RELU, Positions.ROTARY, Normalization.RMS_NORM, Embeddings.UNTIED),
                0.1,
                0,
                true,
                8),
        WIDE(ModelShape.gpt(1, 128, 4, CONTEXT, 600), 0, 0, false, 8);

        private final ModelShape shape;
        private final double dropout;
        private final int microBatch;
        private final boolean mup;
        private final int batch;

        Options(ModelShape shape, double dropout, int microBatch, boolean mup, int batch) {
            this.shape = shape;
            this.dropout = dropout;
            this.microBatch = microBatch;
            this.mup = mup;
            this.batch = batch;
        }

        Cell cell() {
            return new Cell(
                    shape,
                    new DataRule("stored", STEPS, batch, 10_000),
                    new TrainingRule(
                            3e-2,
                            3,
                            ordinal() % 2 == 0 ? new Schedule.Cosine(0.1) : new Schedule.ConstantWithCooldown(0.3),
                            0.9,
                            0.95,
                            1e-8,
                            0.1,
                            1,
                            dropout,
                            0.02,
                            mup ? OptionalInt.of(shape.width() / 2) : OptionalInt.empty(),
                            OptionalInt.empty(),
                            TrainingRule.Divergence.DEFAULT),
                    new EvaluationRule(4, 1000, List.of("validation")),
                    7);
        }

        private static ModelShape shape(
                Activation activation, Positions positions, Normalization normalization, Embeddings embeddings) {
            return new ModelShape(2, 40, 2, 90, CONTEXT, VOCABULARY, activation, positions, normalization, embeddings);
        }
    }

    /** A chain with chance in it. */
    private static final class Words implements BatchSource, EvaluationSource {
        private final int vocabulary;

        Words(int vocabulary) {
            this.vocabulary = vocabulary;
        }

        @Override
        public void batch(long step, int[] inputs, int[] targets) {
            for (int i = 0; i < inputs.length; i += CONTEXT) {
                fill(RandomStream.key(3, "words", step, i), inputs, targets, i);
            }
        }

        @Override
        public int sequences() {
            return 11;
        }

        @Override
        public void sequence(int index, int[] inputs, int[] targets, int offset) {
            fill(RandomStream.key(4, "words", index, 0), inputs, targets, offset);
        }

        private void fill(long key, int[] inputs, int[] targets, int offset) {
            int token = (int) Long.remainderUnsigned(RandomStream.bits(key, CONTEXT), vocabulary);
            for (int i = 0; i < CONTEXT; i++) {
                inputs[offset + i] = token;
                long chance = RandomStream.bits(key, i) >>> 1;
                token = (int) ((token * 5 + 3 + (chance % 4 == 0 ? chance / 4 % 9 : 0)) % vocabulary);
                targets[offset + i] = token;
            }
        }
    }

    /** What a processor has; a trainer by itself takes the most of it. */
    enum Instructions {
        AVX_2("avx2", List.of("-XX:UseAVX=2"), Map.of("OPENBLAS_CORETYPE", "HASWELL", "DNNL_MAX_CPU_ISA", "AVX2")),
        AVX_512("avx512", List.of(), Map.of());

        private final String file;
        private final List<String> options;
        private final Map<String, String> environment;

        Instructions(String name, List<String> options, Map<String, String> environment) {
            this.file = "stored-tables-" + name + ".txt";
            this.options = options;
            this.environment = environment;
        }

        boolean present() {
            String processor = Processor.flags();
            return this == AVX_2 ? processor.contains(" avx2 ") : processor.contains(" avx512dq ");
        }

        List<String> stored() throws IOException {
            try (InputStream stream = StoredTablesTest.class.getResourceAsStream(file)) {
                return new String(stream.readAllBytes(), StandardCharsets.UTF_8)
                        .lines()
                        .toList();
            }
        }

        /** In a process as trainers are started, whose environment chooses the products' code. */
        List<String> make() throws Exception {
            TrainerCommand trainer = TrainerCommand.of(TrainerCommand.Resources.threads(1));
            List<String> command = new ArrayList<>();
            command.add(Path.of(System.getProperty("java.home"), "bin", "java").toString());
            command.addAll(trainer.jvmOptions());
            command.addAll(options);
            command.addAll(List.of("-cp", System.getProperty("java.class.path"), StoredTablesTest.class.getName()));
            ProcessBuilder builder = new ProcessBuilder(command).redirectError(ProcessBuilder.Redirect.INHERIT);
            builder.environment().putAll(trainer.environment());
            builder.environment().putAll(environment);
            Process process = builder.start();
            List<String> made = new String(process.getInputStream().readAllBytes(), StandardCharsets.UTF_8)
                    .lines()
                    .toList();
            assertThat(process.waitFor()).isZero();
            String folder = System.getProperty("tables.write", "");
            if (!folder.isEmpty()) {
                Files.write(Path.of(folder, file), made);
            }
            return made;
        }
    }

    private static final class Processor {
        private Processor() {}

        static String flags() {
            try (Stream<String> lines = Files.lines(Path.of("/proc/cpuinfo"))) {
                return lines.filter(line -> line.startsWith("flags"))
                        .map(line -> line + " ")
                        .findFirst()
                        .orElse("");
            } catch (IOException e) {
                return "";
            }
        }
    }

    /** Trains all and prints their tables. */
    public static void main(String[] arguments) throws DivergenceException {
        PrintStream out = System.out;
        System.setOut(System.err);
        List<String> lines = new ArrayList<>();
        String kernels = "";
        for (Options options : Options.values()) {
            kernels = rows(options, lines);
        }
        out.println(kernels);
        lines.forEach(out::println);
        out.flush();
        System.exit(0);
    }

    @ParameterizedTest
    @EnumSource(Instructions.class)
    void stepsAreThoseOfTheStoredTables(Instructions instructions) throws Exception {
        assumeTrue(instructions.present(), () -> "this processor has no " + instructions);
        List<String> stored = instructions.stored();
        List<String> made = instructions.make();
        assertThat(made.get(0)).isEqualTo(stored.get(0));
        assertThat(Arrays.stream(Options.values()).map(options -> of(options, made)))
                .allSatisfy(rows -> assertThat(rows).hasSize(STEPS + 2))
                .containsExactlyElementsOf(Arrays.stream(Options.values())
                        .map(options -> of(options, stored))
                        .toList());
    }

    /** Other instructions round otherwise. */
    @Test
    void instructionsAgree() throws Exception {
        List<String> one = Instructions.AVX_2.stored();
        List<String> other = Instructions.AVX_512.stored();
        assertThat(one).hasSameSizeAs(other);
        for (int i = 1; i < one.size(); i++) {
            double[] row = numbers(one.get(i));
            double[] same = numbers(other.get(i));
            assertThat(same).hasSameSizeAs(row);
            for (int k = 0; k < row.length; k++) {
                // One sequence has no noise terms.
                if (!Double.isNaN(row[k]) || !Double.isNaN(same[k])) {
                    assertThat(same[k]).as(one.get(i)).isCloseTo(row[k], within(1e-3 * Math.abs(row[k])));
                }
            }
        }
    }

    private static List<String> of(Options options, List<String> lines) {
        return lines.stream().filter(line -> line.startsWith(options + " ")).toList();
    }

    /** Adds a line a step, one for the evaluation and one for the state; returns what made them. */
    private static String rows(Options options, List<String> lines) throws DivergenceException {
        Cell cell = options.cell();
        Words words = new Words(cell.shape().vocabulary());
        try (TrainingSession first = TrainingSession.create(cell, words, KernelChoice.FAST, options.microBatch);
                TrainingSession second = TrainingSession.create(cell, words, KernelChoice.FAST, options.microBatch)) {
            TrainingSession session = first;
            for (int step = 0; step < STEPS; step++) {
                if (options == Options.RESUMED && step == STEPS / 2) {
                    second.restore(first.state());
                    session = second;
                }
                StepRecord row = session.step();
                lines.add(line(
                        options,
                        Long.toString(row.step()),
                        row.loss(),
                        row.learningRate(),
                        row.gradientNorm(),
                        row.gradientSquareSmall(),
                        row.gradientSquareBig()));
            }
            EvaluationResult result = session.evaluate(words, 1000);
            lines.add(line(options, "evaluation", result.loss(), result.standardError()));
            TrainingState state = session.state();
            lines.add(String.join(
                    " ",
                    options.name(),
                    "state",
                    "crc",
                    crc(session.layout(), state.parameters()),
                    crc(session.layout(), state.firstMoments()),
                    crc(session.layout(), state.secondMoments())));
            return session.kernels();
        }
    }

    private static String line(Options options, String name, double... values) {
        StringBuilder line = new StringBuilder(options.name()).append(' ').append(name);
        for (double value : values) {
            line.append(' ').append(Double.toHexString(value));
        }
        return line.toString();
    }

    /** None for the checksums of a state. */
    private static double[] numbers(String line) {
        List<String> words = List.of(line.split(" "));
        return (words.contains("crc") ? Collections.<String>emptyList() : words.subList(2, words.size()))
                .stream().mapToDouble(Double::parseDouble).toArray();
    }

    /** Of the vector as it was stored: each tensor at a multiple of 16 elements, zeros between them. */
    private static String crc(ParameterLayout layout, ByteBuffer bytes) {
        AlignedLayout aligned = new AlignedLayout(layout);
        ByteBuffer stored = ByteBuffer.allocate((int) aligned.length() * Float.BYTES);
        for (ParameterLayout.Tensor tensor : layout.tensors()) {
            stored.put(
                    (int) aligned.offset(tensor) * Float.BYTES,
                    bytes,
                    (int) tensor.offset() * Float.BYTES,
                    (int) tensor.length() * Float.BYTES);
        }
        CRC32C crc = new CRC32C();
        crc.update(stored);
        return Long.toHexString(crc.getValue());
    }
}
