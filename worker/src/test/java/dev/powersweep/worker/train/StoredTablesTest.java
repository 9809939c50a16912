package dev.powersweep.worker.train;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.within;

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
import java.util.Collections;
import java.util.List;
import java.util.OptionalInt;
import java.util.zip.CRC32C;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.EnumSource;

/**
 * Step tables of earlier versions, bit by bit: what a stored sweep holds, a later trainer must make again.
 *
 * <p>The file was written by this test with {@code -Dtables.write=FILE} before the trainer became a Deeplearning4j
 * network. Its first line names the kernels that made it. Other kernels round otherwise, so that there the numbers are
 * compared with a tolerance.
 */
class StoredTablesTest {

    private static final String FILE = "stored-tables.txt";
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

    private static List<String> made;

    /** In a process as trainers are started, whose environment chooses the products' code. */
    @BeforeAll
    static void train() throws Exception {
        TrainerCommand trainer = TrainerCommand.of(TrainerCommand.Resources.threads(1));
        List<String> command = new ArrayList<>();
        command.add(Path.of(System.getProperty("java.home"), "bin", "java").toString());
        command.addAll(trainer.jvmOptions());
        command.addAll(List.of("-cp", System.getProperty("java.class.path"), StoredTablesTest.class.getName()));
        ProcessBuilder builder = new ProcessBuilder(command).redirectError(ProcessBuilder.Redirect.INHERIT);
        builder.environment().putAll(trainer.environment());
        Process process = builder.start();
        made = new String(process.getInputStream().readAllBytes(), StandardCharsets.UTF_8)
                .lines()
                .toList();
        assertThat(process.waitFor()).isZero();
        String target = System.getProperty("tables.write", "");
        if (!target.isEmpty()) {
            Files.write(Path.of(target), made);
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
    @EnumSource(Options.class)
    void stepsAreThoseOfTheStoredTables(Options options) throws Exception {
        List<String> stored = stored();
        List<String> expected = of(options, stored);
        List<String> actual = of(options, made);
        assertThat(expected).hasSize(STEPS + 2);
        if (made.get(0).equals(stored.get(0))) {
            assertThat(actual).isEqualTo(expected);
            return;
        }
        assertThat(actual).hasSameSizeAs(expected);
        for (int i = 0; i < expected.size(); i++) {
            double[] row = numbers(expected.get(i));
            double[] other = numbers(actual.get(i));
            for (int k = 0; k < row.length; k++) {
                if (!Double.isNaN(row[k])) {
                    assertThat(other[k]).as(expected.get(i)).isCloseTo(row[k], within(1e-3 * Math.abs(row[k])));
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

    private static List<String> stored() throws IOException {
        try (InputStream file = StoredTablesTest.class.getResourceAsStream(FILE)) {
            return new String(file.readAllBytes(), StandardCharsets.UTF_8)
                    .lines()
                    .toList();
        }
    }
}
