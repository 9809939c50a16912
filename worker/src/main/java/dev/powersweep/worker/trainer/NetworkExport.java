package dev.powersweep.worker.trainer;

import dev.powersweep.worker.cell.Cell;
import dev.powersweep.worker.checkpoint.CheckpointFile;
import dev.powersweep.worker.checkpoint.Section;
import dev.powersweep.worker.kernels.KernelChoice;
import dev.powersweep.worker.kernels.Kernels;
import dev.powersweep.worker.model.ParameterLayout;
import dev.powersweep.worker.network.KernelSets;
import dev.powersweep.worker.network.NetworkVectors;
import dev.powersweep.worker.network.TransformerLanguageModel;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardCopyOption;
import java.util.List;
import org.deeplearning4j.nn.multilayer.MultiLayerNetwork;
import org.deeplearning4j.util.ModelSerializer;

/** A checkpoint as a Deeplearning4j zip: configuration, parameters, Adam's moments, iteration. */
final class NetworkExport {

    private NetworkExport() {}

    /**
     * Writes the zip; it is complete when it appears.
     *
     * @throws dev.powersweep.worker.checkpoint.CheckpointException when the checkpoint cannot be used
     * @throws BadInputException when its numbers are not finite or the target cannot be written
     */
    static void ofCheckpoint(Path checkpoint, Path target) {
        CheckpointFile file = CheckpointFile.open(checkpoint);
        MultiLayerNetwork network = network(file, checkpoint);
        Path absolute = target.toAbsolutePath();
        Path aside = absolute.resolveSibling("." + absolute.getFileName() + ".tmp");
        try {
            ModelSerializer.writeModel(network, aside.toFile(), true);
            Files.move(aside, absolute, StandardCopyOption.ATOMIC_MOVE, StandardCopyOption.REPLACE_EXISTING);
        } catch (IOException e) {
            throw new BadInputException(
                    "The network cannot be written to " + target + ": " + e.getMessage()
                            + "; free space or give another file.",
                    e);
        } finally {
            NetworkVectors.close(network);
        }
    }

    /** The network of a checkpoint, with its moments and iteration. */
    static MultiLayerNetwork network(CheckpointFile file, Path name) {
        Cell cell = file.header().cell();
        if (file.header().step() > Integer.MAX_VALUE) {
            throw new BadInputException(
                    "The checkpoint " + name + " is of step " + file.header().step() + ", and Deeplearning4j counts to "
                            + Integer.MAX_VALUE + "; give an earlier one.",
                    null);
        }
        ParameterLayout layout = new ParameterLayout(cell.shape());
        Section parameters = section(Section.PARAMETERS, layout);
        Section first = section(Section.FIRST_MOMENT, layout);
        Section second = section(Section.SECOND_MOMENT, layout);
        file.restore(cell, layout, List.of(parameters, first, second));
        requireFinite(parameters.data(), name);
        MultiLayerNetwork network = TransformerLanguageModel.of(cell);
        try (Kernels kernels = KernelSets.open(KernelChoice.AUTOMATIC)) {
            NetworkVectors vectors = NetworkVectors.of(network, kernels);
            vectors.parameters().readFrom(parameters.data());
            vectors.firstMoments().readFrom(first.data());
            vectors.secondMoments().readFrom(second.data());
        }
        network.setIterationCount(Math.toIntExact(file.header().step()));
        return network;
    }

    private static Section section(String name, ParameterLayout layout) {
        return new Section(
                name,
                ByteBuffer.allocateDirect(Math.toIntExact(layout.length() * Float.BYTES))
                        .order(ByteOrder.LITTLE_ENDIAN));
    }

    private static void requireFinite(ByteBuffer weights, Path checkpoint) {
        for (int at = 0; at < weights.limit(); at += Float.BYTES) {
            if (!Float.isFinite(weights.getFloat(at))) {
                throw new BadInputException(
                        "The checkpoint " + checkpoint + " holds the weight " + weights.getFloat(at)
                                + ", which no network can use; give an earlier one.",
                        null);
            }
        }
    }
}
