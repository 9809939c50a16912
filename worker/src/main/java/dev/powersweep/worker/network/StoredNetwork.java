package dev.powersweep.worker.network;

import java.io.BufferedInputStream;
import java.io.DataInputStream;
import java.io.IOException;
import java.io.InputStream;
import java.nio.charset.StandardCharsets;
import java.nio.file.Path;
import java.util.List;
import java.util.stream.Collectors;
import java.util.zip.ZipEntry;
import java.util.zip.ZipException;
import java.util.zip.ZipFile;
import org.deeplearning4j.nn.conf.MultiLayerConfiguration;
import org.deeplearning4j.nn.conf.NeuralNetConfiguration;
import org.deeplearning4j.nn.multilayer.MultiLayerNetwork;
import org.deeplearning4j.util.ModelSerializer;
import org.nd4j.linalg.api.ndarray.INDArray;
import org.nd4j.linalg.factory.Nd4j;
import org.nd4j.linalg.indexing.NDArrayIndex;
import org.nd4j.shade.jackson.core.JsonProcessingException;
import org.nd4j.shade.jackson.databind.JsonNode;
import org.nd4j.shade.jackson.databind.ObjectMapper;

/**
 * A zip of Deeplearning4j's that may be anybody's. Its serializer takes what it finds: a network of dense layers, weights
 * that are no numbers, an absent state of the updater; and reads a preprocessor as a Java object.
 */
final class StoredNetwork {

    /** What the network is wanted for. */
    enum Purpose {
        TRAINING,
        OUTPUT
    }

    private static final int CONFIGURATION_BYTES = 64 << 20;
    /** Numbers that are looked at before the next are copied from an array. */
    private static final long AT_ONCE = 1 << 16;

    private final Path file;
    private final ZipFile zip;

    private StoredNetwork(Path file, ZipFile zip) {
        this.file = file;
        this.zip = zip;
    }

    /** See {@link TransformerLanguageModel#restore}. */
    static MultiLayerNetwork read(Path file, Purpose purpose) throws IOException {
        try (ZipFile zip = new ZipFile(file.toFile())) {
            return new StoredNetwork(file, zip).network(purpose);
        } catch (ZipException e) {
            throw new IllegalArgumentException(
                    file + " is no whole zip (" + e.getMessage() + "); give a file that ModelSerializer wrote", e);
        }
    }

    private MultiLayerNetwork network(Purpose purpose) throws IOException {
        MultiLayerConfiguration configuration = configuration();
        INDArray parameters = array(ModelSerializer.COEFFICIENTS_BIN, "weights");
        requireFinite(parameters, "weight");
        long expected = NetworkShape.parameters(configuration);
        if (parameters.length() != expected) {
            throw refused("holds " + parameters.length() + " weights where its configuration describes " + expected
                    + "; write it again");
        }
        MultiLayerNetwork network = AlignedNetwork.of(configuration, parameters);
        parameters.close();
        restoreUpdater(network, purpose);
        return network;
    }

    private MultiLayerConfiguration configuration() throws IOException {
        String json = json();
        requireArchitecture(tree(json));
        MultiLayerConfiguration configuration;
        try {
            configuration = MultiLayerConfiguration.fromJson(json);
        } catch (RuntimeException e) {
            throw unreadable(e);
        }
        try {
            NetworkShape.require(configuration.getConfs().stream()
                    .map(NeuralNetConfiguration::getLayer)
                    .toList());
        } catch (IllegalArgumentException e) {
            throw new IllegalArgumentException(file + ": " + e.getMessage(), e);
        }
        return configuration;
    }

    private JsonNode tree(String json) {
        try {
            return new ObjectMapper().readTree(json);
        } catch (JsonProcessingException e) {
            throw unreadable(e);
        }
    }

    private IllegalArgumentException unreadable(Exception reason) {
        return new IllegalArgumentException(
                file + " holds a configuration that cannot be read: "
                        + String.valueOf(reason.getMessage())
                                .lines()
                                .findFirst()
                                .orElse(""),
                reason);
    }

    private String json() throws IOException {
        try (InputStream in = entry(ModelSerializer.CONFIGURATION_JSON, "configuration")) {
            byte[] json = in.readNBytes(CONFIGURATION_BYTES + 1);
            if (json.length > CONFIGURATION_BYTES) {
                throw refused("has a configuration of more than " + (CONFIGURATION_BYTES >> 20)
                        + " MiB, which no network of ours has");
            }
            return new String(json, StandardCharsets.UTF_8);
        }
    }

    /** By its names alone, before a class of the file's choice is loaded. */
    private void requireArchitecture(JsonNode tree) {
        if (tree.has("vertices")) {
            throw refused("holds a ComputationGraph, and no TransformerLanguageModel; restore it with"
                    + " ModelSerializer.restoreComputationGraph");
        }
        List<String> layers = tree.path("confs").findValues("layer").stream()
                .map(layer -> layer.path("@class").asText())
                .map(name -> name.substring(name.lastIndexOf('.') + 1))
                .toList();
        List<String> ours = List.of(
                TokenEmbedding.class.getSimpleName(),
                TransformerBlock.class.getSimpleName(),
                LanguageModelHead.class.getSimpleName());
        if (layers.isEmpty() || !ours.containsAll(layers)) {
            throw refused("holds the layers "
                    + layers.stream().distinct().limit(5).collect(Collectors.joining(", "))
                    + ", and no TransformerLanguageModel; restore it with ModelSerializer");
        }
    }

    private void restoreUpdater(MultiLayerNetwork network, Purpose purpose) throws IOException {
        INDArray state = network.getUpdater().getStateViewArray();
        if (state == null || state.isEmpty()) {
            return;
        }
        if (zip.getEntry(ModelSerializer.UPDATER_BIN) == null) {
            if (purpose == Purpose.OUTPUT) {
                return;
            }
            throw refused(
                    "has no state of its updater, without which training does not go on where it was; write it with"
                            + " ModelSerializer.writeModel(network, file, true), or take restoreForOutput");
        }
        INDArray stored = array(ModelSerializer.UPDATER_BIN, "updater state");
        if (stored.length() != state.length()) {
            throw refused("holds " + stored.length() + " numbers of updater state where its configuration needs "
                    + state.length() + "; write it again");
        }
        requireFinite(stored, "number of the updater's state");
        network.getUpdater().setStateViewArray(network, stored.reshape('c', state.shape()), false);
    }

    private INDArray array(String name, String what) throws IOException {
        try (DataInputStream in = new DataInputStream(new BufferedInputStream(entry(name, what)))) {
            return numbers(in, what);
        }
    }

    private INDArray numbers(DataInputStream in, String what) {
        try {
            return Nd4j.read(in);
        } catch (Exception e) {
            // Checked ones, too, which it does not declare.
            throw new IllegalArgumentException(
                    file + " holds " + what + " that cannot be read (" + e + "); write it again", e);
        }
    }

    private InputStream entry(String name, String what) throws IOException {
        ZipEntry entry = zip.getEntry(name);
        if (entry == null) {
            throw refused("has no " + what + " (" + name + "); give a file that ModelSerializer wrote");
        }
        return zip.getInputStream(entry);
    }

    private void requireFinite(INDArray numbers, String what) {
        INDArray flat = numbers.reshape('c', new long[] {numbers.length()});
        for (long from = 0; from < flat.length(); from += AT_ONCE) {
            INDArray part = flat.get(NDArrayIndex.interval(from, Math.min(flat.length(), from + AT_ONCE)));
            for (double number : part.dup().data().asDouble()) {
                if (!Double.isFinite(number)) {
                    throw refused("holds the " + what + " " + number
                            + ", which no network can use; give one from before its loss was no number");
                }
            }
        }
    }

    private IllegalArgumentException refused(String what) {
        return new IllegalArgumentException(file + " " + what);
    }
}
