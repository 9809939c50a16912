package dev.powersweep.worker.trainer;

import dev.powersweep.worker.cell.Cell;
import dev.powersweep.worker.checkpoint.CheckpointFile;
import dev.powersweep.worker.checkpoint.LayoutHash;
import dev.powersweep.worker.checkpoint.Section;
import dev.powersweep.worker.model.ParameterLayout;
import dev.powersweep.worker.model.ParameterLayout.Tensor;
import dev.powersweep.worker.network.TransformerLanguageModel;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.file.Path;
import java.util.List;
import org.deeplearning4j.nn.multilayer.MultiLayerNetwork;
import org.deeplearning4j.nn.updater.BaseMultiLayerUpdater;
import org.deeplearning4j.nn.updater.UpdaterBlock;
import org.deeplearning4j.util.ModelSerializer;
import org.nd4j.linalg.api.ndarray.INDArray;

/** A checkpoint as a Deeplearning4j zip: configuration, parameters, Adam's moments, iteration. */
final class NetworkExport {

    private NetworkExport() {}

    /**
     * @throws dev.powersweep.worker.checkpoint.CheckpointException when the checkpoint cannot be used
     * @throws BadInputException when its numbers are not finite or the target cannot be written
     */
    static void ofCheckpoint(Path checkpoint, Path target) {
        CheckpointFile file = CheckpointFile.open(checkpoint);
        Cell cell = file.header().cell();
        ParameterLayout layout = new ParameterLayout(cell.shape());
        Section parameters = section(Section.PARAMETERS, layout);
        Section first = section(Section.FIRST_MOMENT, layout);
        Section second = section(Section.SECOND_MOMENT, layout);
        file.restore(cell, LayoutHash.of(layout), List.of(parameters, first, second));
        MultiLayerNetwork network = TransformerLanguageModel.of(cell);
        try {
            copy(layout, parameters.data(), network.params(), checkpoint);
            INDArray state = network.getUpdater().getStateViewArray();
            float[] m = gapless(layout, first.data());
            float[] v = gapless(layout, second.data());
            for (UpdaterBlock block : ((BaseMultiLayerUpdater<?>) network.getUpdater()).getUpdaterBlocks()) {
                int begin = block.getParamOffsetStart();
                int length = block.getParamOffsetEnd() - begin;
                int at = block.getUpdaterViewOffsetStart();
                for (int i = 0; i < length; i++) {
                    state.putScalar(at + i, m[begin + i]);
                    state.putScalar(at + length + i, v[begin + i]);
                }
            }
            network.setIterationCount(Math.toIntExact(file.header().step()));
            ModelSerializer.writeModel(network, target.toFile(), true);
        } catch (IOException e) {
            throw new BadInputException(
                    "The network cannot be written to " + target + ": " + e.getMessage()
                            + "; free space or give another file.",
                    e);
        } finally {
            network.close();
        }
    }

    private static Section section(String name, ParameterLayout layout) {
        return new Section(
                name,
                ByteBuffer.allocate(Math.toIntExact(layout.length() * Float.BYTES))
                        .order(ByteOrder.LITTLE_ENDIAN));
    }

    private static void copy(ParameterLayout layout, ByteBuffer data, INDArray into, Path checkpoint) {
        float[] values = gapless(layout, data);
        for (int i = 0; i < values.length; i++) {
            if (!Float.isFinite(values[i])) {
                throw new BadInputException(
                        "The checkpoint " + checkpoint + " holds the weight " + values[i]
                                + ", which no network can use; give an earlier one.",
                        null);
            }
            into.putScalar(i, values[i]);
        }
    }

    /** The layout's tensors without the gaps between them. */
    private static float[] gapless(ParameterLayout layout, ByteBuffer data) {
        int length = Math.toIntExact(
                layout.tensors().stream().mapToLong(Tensor::length).sum());
        float[] values = new float[length];
        int at = 0;
        for (Tensor tensor : layout.tensors()) {
            for (long i = 0; i < tensor.length(); i++) {
                values[at++] = data.getFloat(Math.toIntExact((tensor.offset() + i) * Float.BYTES));
            }
        }
        return values;
    }
}
