package dev.powersweep.worker.network;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.powersweep.worker.cell.ModelShape.Embeddings;
import java.io.ByteArrayOutputStream;
import java.io.DataOutputStream;
import java.io.IOException;
import java.io.ObjectInputStream;
import java.io.ObjectOutputStream;
import java.io.Serializable;
import java.nio.charset.StandardCharsets;
import java.nio.file.FileSystem;
import java.nio.file.FileSystems;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Arrays;
import java.util.concurrent.atomic.AtomicBoolean;
import java.util.stream.Stream;
import org.deeplearning4j.nn.conf.NeuralNetConfiguration;
import org.deeplearning4j.nn.conf.layers.DenseLayer;
import org.deeplearning4j.nn.conf.layers.OutputLayer;
import org.deeplearning4j.nn.graph.ComputationGraph;
import org.deeplearning4j.nn.multilayer.MultiLayerNetwork;
import org.deeplearning4j.util.ModelSerializer;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.Arguments;
import org.junit.jupiter.params.provider.EnumSource;
import org.junit.jupiter.params.provider.MethodSource;
import org.junit.jupiter.params.provider.ValueSource;
import org.nd4j.linalg.activations.Activation;
import org.nd4j.linalg.api.buffer.DataType;
import org.nd4j.linalg.api.ndarray.INDArray;
import org.nd4j.linalg.factory.Nd4j;
import org.nd4j.linalg.learning.config.Adam;
import org.nd4j.linalg.learning.config.Sgd;
import org.nd4j.linalg.lossfunctions.LossFunctions.LossFunction;

/** Zips that somebody else wrote, or that were changed since. */
class StoredNetworkTest {

    @TempDir
    Path scratch;

    private Path zip;

    @BeforeEach
    void name() {
        zip = scratch.resolve("model.zip");
    }

    private static TransformerLanguageModel.Builder small() {
        return TransformerLanguageModel.builder()
                .layers(2)
                .width(8)
                .heads(2)
                .context(6)
                .vocabulary(11)
                .updater(new Adam(1e-2));
    }

    private static MultiLayerNetwork trained(TransformerLanguageModel.Builder choices) {
        MultiLayerNetwork network = choices.build();
        network.fit(tokens(), tokens());
        return network;
    }

    private static INDArray tokens() {
        return Nd4j.createFromArray(1, 4, 2, 8, 5, 7, 3, 9, 1, 10, 0, 6)
                .castTo(DataType.FLOAT)
                .reshape(2, 6);
    }

    private void write(MultiLayerNetwork network) throws IOException {
        ModelSerializer.writeModel(network, zip.toFile(), true);
    }

    /** Puts something else in an entry's place. */
    private void replace(String entry, byte[] content) throws IOException {
        try (FileSystem files = FileSystems.newFileSystem(zip)) {
            Files.write(files.getPath(entry), content);
        }
    }

    private String configuration() throws IOException {
        try (FileSystem files = FileSystems.newFileSystem(zip)) {
            return Files.readString(files.getPath(ModelSerializer.CONFIGURATION_JSON));
        }
    }

    private static byte[] bytes(INDArray array) throws IOException {
        ByteArrayOutputStream bytes = new ByteArrayOutputStream();
        Nd4j.write(array, new DataOutputStream(bytes));
        return bytes.toByteArray();
    }

    private void assertRefused(String sentence) {
        assertThatThrownBy(() -> TransformerLanguageModel.restore(zip))
                .isInstanceOf(IllegalArgumentException.class)
                .hasMessage(zip + sentence);
    }

    @ParameterizedTest
    @EnumSource(Embeddings.class)
    void oneOfOursGoesOnBitIdentically(Embeddings embeddings) throws Exception {
        MultiLayerNetwork network = trained(small().embeddings(embeddings).weightDecay(0.1));
        write(network);
        MultiLayerNetwork restored = TransformerLanguageModel.restore(zip);
        assertThat(restored.getIterationCount()).isEqualTo(1);
        assertThat(restored.output(tokens())).isEqualTo(network.output(tokens()));
        network.fit(tokens(), tokens());
        restored.fit(tokens(), tokens());
        assertThat(restored.params()).isEqualTo(network.params());
        assertThat(restored.updaterState()).isEqualTo(network.updaterState());
    }

    @Test
    void anotherArchitectureIsNamed() throws Exception {
        NeuralNetConfiguration.Builder common = new NeuralNetConfiguration.Builder().updater(new Sgd(0.1));
        DenseLayer dense = new DenseLayer.Builder().nIn(4).nOut(3).build();
        OutputLayer out = new OutputLayer.Builder(LossFunction.MCXENT)
                .nIn(3)
                .nOut(2)
                .activation(Activation.SOFTMAX)
                .build();
        MultiLayerNetwork other =
                new MultiLayerNetwork(common.list().layer(dense).layer(out).build());
        other.init();
        write(other);
        assertRefused(" holds the layers DenseLayer, OutputLayer, and no TransformerLanguageModel; restore it with"
                + " ModelSerializer");

        ComputationGraph graph = new ComputationGraph(common.graphBuilder()
                .addInputs("in")
                .addLayer("dense", dense, "in")
                .addLayer("out", out, "dense")
                .setOutputs("out")
                .build());
        graph.init();
        ModelSerializer.writeModel(graph, zip.toFile(), true);
        assertRefused(" holds a ComputationGraph, and no TransformerLanguageModel; restore it with"
                + " ModelSerializer.restoreComputationGraph");
    }

    @Test
    void anotherVersionIsNamedWhoeverRestoresIt() throws Exception {
        write(trained(small()));
        replace(
                ModelSerializer.CONFIGURATION_JSON,
                configuration().replace("\"version\" : 1", "\"version\" : 2").getBytes(StandardCharsets.UTF_8));
        String sentence = "layer embedding is of version 2 of PowerSweep's layers, and this release computes version 1;"
                + " open it with the release that wrote it";
        assertRefused(": " + sentence);
        assertThatThrownBy(() -> ModelSerializer.restoreMultiLayerNetwork(zip.toFile(), true))
                .hasMessage(sentence);
    }

    @Test
    void withoutUpdaterItIsForOutputAlone() throws Exception {
        MultiLayerNetwork network = trained(small());
        ModelSerializer.writeModel(network, zip.toFile(), false);
        assertRefused(" has no state of its updater, without which training does not go on where it was; write it with"
                + " ModelSerializer.writeModel(network, file, true), or take restoreForOutput");
        assertThat(TransformerLanguageModel.restoreForOutput(zip).output(tokens()))
                .isEqualTo(network.output(tokens()));

        ModelSerializer.writeModel(trained(small().updater(new Sgd(0.1))), zip.toFile(), false);
        assertThat(TransformerLanguageModel.restore(zip).getIterationCount())
                .as("an updater without a state lacks none")
                .isEqualTo(1);
    }

    @Test
    void numbersThatAreNoneAreNamed() throws Exception {
        MultiLayerNetwork network = trained(small());
        network.params().putScalar(100, Double.NaN);
        write(network);
        assertRefused(" holds the weight NaN, which no network can use; give one from before its loss was no number");

        network = trained(small());
        network.updaterState().putScalar(3, Float.POSITIVE_INFINITY);
        write(network);
        assertRefused(
                " holds the number of the updater's state Infinity, which no network can use; give one from before"
                        + " its loss was no number");
    }

    static Stream<Arguments> changes() {
        return Stream.of(
                Arguments.of(
                        "\"tensorsBefore\" : 2", "\"tensorsBefore\" : 3", ": layer block.0 was made for other layers"),
                Arguments.of("\"parametersBefore\" : 136", "\"parametersBefore\" : 0", ": layer block.0 was made for"),
                Arguments.of("\"number\" : 1", "\"number\" : 7", ": layer block.1 was made for other layers"),
                Arguments.of("\"heads\" : 2", "\"heads\" : 3", ": model.heads = 3 must be a divisor of width = 8"),
                Arguments.of("\"sharedWithHead\" : true", "\"sharedWithHead\" : false", ": layer head was made for"),
                Arguments.of("\"context\" : 6", "\"context\" : 5", ": layer block.0 was made for other layers"),
                Arguments.of(
                        "\"positions\" : \"LEARNED\"", "\"positions\" : \"ABSENT\"", " holds a configuration that"),
                Arguments.of("\"confs\" : [", "\"confs\" : ", " holds a configuration that cannot be read: "));
    }

    @ParameterizedTest
    @MethodSource("changes")
    void aChangedConfigurationIsRefused(String from, String to, String sentence) throws Exception {
        write(trained(small()));
        String json = configuration();
        assertThat(json).contains(from);
        String changed =
                json.substring(0, json.indexOf(from)) + to + json.substring(json.indexOf(from) + from.length());
        replace(ModelSerializer.CONFIGURATION_JSON, changed.getBytes(StandardCharsets.UTF_8));
        assertThatThrownBy(() -> TransformerLanguageModel.restore(zip))
                .isInstanceOf(IllegalArgumentException.class)
                .hasMessageStartingWith(zip + sentence);
    }

    @Test
    void countsThatDoNotFitAndDamageAreRefused() throws Exception {
        MultiLayerNetwork network = trained(small());
        long count = network.numParams();
        write(network);
        replace(ModelSerializer.COEFFICIENTS_BIN, bytes(Nd4j.ones(DataType.FLOAT, 1, 7)));
        assertRefused(" holds 7 weights where its configuration describes " + count + "; write it again");
        write(network);
        replace(ModelSerializer.UPDATER_BIN, bytes(Nd4j.ones(DataType.FLOAT, 1, 7)));
        assertRefused(
                " holds 7 numbers of updater state where its configuration needs " + 2 * count + "; write it again");
        write(network);
        replace(ModelSerializer.COEFFICIENTS_BIN, new byte[] {1, 2, 3});
        assertThatThrownBy(() -> TransformerLanguageModel.restore(zip))
                .hasMessageStartingWith(zip + " holds weights that cannot be read (");
        write(network);
        byte[] whole = Files.readAllBytes(zip);
        Files.write(zip, Arrays.copyOf(whole, whole.length / 2));
        assertThatThrownBy(() -> TransformerLanguageModel.restore(zip))
                .hasMessageStartingWith(zip + " is no whole zip (");
    }

    /** An array as ND4J writes it, with what it says of its shape and its numbers. */
    private static byte[] array(long[] shape, long shapeNumbers, long numbers, float... data) throws IOException {
        ByteArrayOutputStream bytes = new ByteArrayOutputStream();
        DataOutputStream out = new DataOutputStream(bytes);
        out.writeUTF("MIXED_DATA_TYPES");
        out.writeLong(shapeNumbers);
        out.writeUTF("LONG");
        for (long number : shape) {
            out.writeLong(number);
        }
        out.writeUTF("MIXED_DATA_TYPES");
        out.writeLong(numbers);
        out.writeUTF("FLOAT");
        for (float number : data) {
            out.writeFloat(number);
        }
        return bytes.toByteArray();
    }

    private static long[] changed(long[] shape, int at, long to) {
        long[] changed = shape.clone();
        changed[at] = to;
        return changed;
    }

    /** The library would read the memory behind it, or take room for all that it says it has. */
    @ParameterizedTest
    @ValueSource(strings = {ModelSerializer.COEFFICIENTS_BIN, ModelSerializer.UPDATER_BIN})
    void anArrayThatSaysMoreThanItHasIsRefusedBeforeItIsRead(String entry) throws Exception {
        MultiLayerNetwork network = trained(small());
        boolean weights = entry.equals(ModelSerializer.COEFFICIENTS_BIN);
        INDArray whole = weights ? network.params() : network.updaterState();
        float[] data = whole.dup().data().asFloat();
        int count = data.length;
        // Rank, lengths, steps, flags, step of all, order.
        long[] shape = whole.dup().reshape('c', 1, count).shapeInfoJava();
        assertThat(shape).startsWith(2, 1, count).endsWith(1, 'c');
        write(network);
        replace(entry, array(shape, shape.length, count, data));
        assertThat(TransformerLanguageModel.restore(zip).params()).isEqualTo(network.params());

        long huge = 1L << 40;
        for (byte[] hostile : new byte[][] {
            array(shape, shape.length, 7, Arrays.copyOf(data, 7)),
            array(changed(shape, 2, 7), shape.length, count, data),
            array(changed(changed(shape, 1, 1L << 33), 2, 1L << 33), shape.length, count, data),
            array(changed(shape, 1, -1), shape.length, count, data),
            array(changed(shape, 4, 1_000_000), shape.length, count, data),
            array(changed(shape, shape.length - 2, 1_000_000), shape.length, count, data),
            array(changed(shape, 0, 1_000_000), shape.length, count, data),
            array(
                    changed(
                            shape,
                            shape.length - 3,
                            Nd4j.ones(DataType.DOUBLE, 1, 1).shapeInfoJava()[5]),
                    shape.length,
                    count,
                    data),
            array(shape, huge, count, data),
            array(shape, 1L << 30, count, data),
            array(shape, -1, count, data),
        }) {
            replace(entry, hostile);
            assertThatThrownBy(() -> TransformerLanguageModel.restore(zip))
                    .isInstanceOf(IllegalArgumentException.class)
                    .hasMessageStartingWith(zip + " holds " + (weights ? "weights" : "numbers of updater state")
                            + " that cannot be read (")
                    .hasMessageEndingWith("; write it again");
        }
        replace(entry, array(changed(shape, 2, huge), shape.length, huge, data));
        assertThatThrownBy(() -> TransformerLanguageModel.restore(zip))
                .isInstanceOf(IllegalArgumentException.class)
                .hasMessageStartingWith(zip + " holds " + huge + " ")
                .hasMessageEndingWith(" " + count + "; write it again");
    }

    /** Sixty-four megabytes of blanks, and one, in a zip of some kilobytes. */
    @Test
    void aConfigurationThatUnpacksToMoreThanAnyOfOursIsRefused() throws Exception {
        write(trained(small()));
        byte[] json = configuration().getBytes(StandardCharsets.UTF_8);
        byte[] bomb = new byte[(64 << 20) + 1];
        Arrays.fill(bomb, (byte) ' ');
        System.arraycopy(json, 0, bomb, 0, json.length);
        replace(ModelSerializer.CONFIGURATION_JSON, bomb);
        assertRefused(" has a configuration of more than 64 MiB, which no network of ours has");
    }

    /** What somebody may put into a zip in the place of a preprocessor. */
    private static final class Trap implements Serializable {
        private static final long serialVersionUID = 1L;
        private static final AtomicBoolean SPRUNG = new AtomicBoolean();

        private void readObject(ObjectInputStream in) throws IOException, ClassNotFoundException {
            in.defaultReadObject();
            SPRUNG.set(true);
        }
    }

    @Test
    void noObjectIsReadFromIt() throws Exception {
        write(trained(small()));
        ByteArrayOutputStream bytes = new ByteArrayOutputStream();
        try (ObjectOutputStream out = new ObjectOutputStream(bytes)) {
            out.writeObject(new Trap());
        }
        replace(ModelSerializer.PREPROCESSOR_BIN, bytes.toByteArray());
        replace(ModelSerializer.NORMALIZER_BIN, bytes.toByteArray());
        TransformerLanguageModel.restore(zip);
        assertThat(Trap.SPRUNG).isFalse();
    }

    /** What a restored network would otherwise read is the memory before its parameters. */
    @Test
    void aHeadOfAnotherNetworkReadsNothingOutsideItsOwn() throws Exception {
        write(trained(small()));
        String json = configuration();
        int head = json.indexOf("\"parametersBefore\"", json.indexOf("LanguageModelHead"));
        replace(
                ModelSerializer.CONFIGURATION_JSON,
                (json.substring(0, head) + json.substring(head).replaceFirst(": [0-9]+", ": 100000000"))
                        .getBytes(StandardCharsets.UTF_8));
        MultiLayerNetwork network = ModelSerializer.restoreMultiLayerNetwork(zip.toFile(), true);
        assertThatThrownBy(() -> network.output(tokens())).hasMessageContaining("take the layers of one network");
    }
}
