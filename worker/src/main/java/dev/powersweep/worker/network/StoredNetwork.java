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
import org.nd4j.linalg.api.buffer.BaseDataBuffer;
import org.nd4j.linalg.api.buffer.DataType;
import org.nd4j.linalg.api.ndarray.INDArray;
import org.nd4j.linalg.api.shape.options.ArrayOptionsHelper;
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

    /** Of a shape of 32 dimensions, the most that ND4J has: their number, their lengths and steps, and three more. */
    private static final long MOST_SHAPE_NUMBERS = 2 * 32 + 4;
    /** Four names of at most 64 KiB, and the shape. */
    private static final int MOST_HEADER_BYTES = 1 << 19;

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
        long expected = NetworkShape.parameters(configuration);
        INDArray parameters =
                array(ModelSerializer.COEFFICIENTS_BIN, "weights", "where its configuration describes", expected);
        requireFinite(parameters, "weight");
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
        INDArray stored = array(
                ModelSerializer.UPDATER_BIN,
                "numbers of updater state",
                "where its configuration needs",
                state.length());
        requireFinite(stored, "number of the updater's state");
        network.getUpdater().setStateViewArray(network, stored.reshape('c', state.shape()), false);
    }

    private INDArray array(String name, String what, String where, long expected) throws IOException {
        try (DataInputStream in = new DataInputStream(new BufferedInputStream(entry(name, what)))) {
            in.mark(MOST_HEADER_BYTES);
            long length = length(in, what);
            if (length != expected) {
                throw refused("holds " + length + " " + what + " " + where + " " + expected + "; write it again");
            }
            in.reset();
            return numbers(in, what);
        }
    }

    /**
     * How many numbers an array has, by what stands before them. The library believes all of that: it takes room for as
     * many as it is told of, and goes through memory by the lengths and steps of a shape that need not be its data's.
     */
    private long length(DataInputStream in, String what) {
        try {
            var shapeHeader = BaseDataBuffer.readHeader(in);
            long size = shapeHeader.getMiddle();
            if (shapeHeader.getRight() != DataType.LONG || size < 4 || size > MOST_SHAPE_NUMBERS) {
                throw new IOException("a shape of " + size + " numbers of type " + shapeHeader.getRight());
            }
            long[] shape = new long[(int) size];
            for (int i = 0; i < shape.length; i++) {
                shape[i] = in.readLong();
            }
            var header = BaseDataBuffer.readHeader(in);
            long length = header.getMiddle();
            if (!describes(shape, length) || ArrayOptionsHelper.dataType(shape) != header.getRight()) {
                throw new IOException("a shape that is not that of its " + length + " numbers");
            }
            return length;
        } catch (IOException | RuntimeException e) {
            throw unreadable(what, e);
        }
    }

    /** Whether a shape is that of numbers one after the other: rank, lengths, steps, flags, step of all, order. */
    private static boolean describes(long[] shape, long length) {
        long rank = shape[0];
        if (shape.length != 2 * rank + 4) {
            return false;
        }
        boolean rows = shape[shape.length - 1] == 'c';
        long step = 1;
        for (int i = 0; i < rank; i++) {
            int dimension = (int) (rows ? rank - 1 - i : i);
            long along = shape[1 + dimension];
            // A dimension of one number is never stepped along.
            if (along < 1 || (along > 1 && shape[(int) (1 + rank + dimension)] != step)) {
                return false;
            }
            step = Math.multiplyExact(step, along);
        }
        long all = shape[shape.length - 2];
        return step == length && (all == 0 || all == 1);
    }

    private INDArray numbers(DataInputStream in, String what) {
        try {
            return Nd4j.read(in);
        } catch (Exception e) {
            // Checked ones, too, which it does not declare.
            throw unreadable(what, e);
        }
    }

    private IllegalArgumentException unreadable(String what, Exception reason) {
        return new IllegalArgumentException(
                file + " holds " + what + " that cannot be read (" + reason + "); write it again", reason);
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
