package dev.powersweep.worker.network;

import dev.powersweep.worker.kernels.Kernels;
import dev.powersweep.worker.kernels.Span;
import java.util.List;
import java.util.Objects;
import java.util.Optional;
import java.util.stream.Stream;
import org.deeplearning4j.nn.api.Layer;
import org.deeplearning4j.nn.api.Updater;
import org.deeplearning4j.nn.multilayer.MultiLayerNetwork;
import org.deeplearning4j.nn.updater.BaseMultiLayerUpdater;
import org.deeplearning4j.nn.updater.UpdaterBlock;
import org.nd4j.linalg.api.ndarray.INDArray;
import org.nd4j.linalg.indexing.NDArrayIndex;

/**
 * The flat vectors of a network that Adam trains, as spans of a kernel set: nothing is copied, so that Deeplearning4j sees
 * what kernels write, and kernels what it does. All have the network's parameters' length and order.
 *
 * @param firstMoments Adam's m
 * @param secondMoments Adam's v
 */
public record NetworkVectors(Span parameters, Span gradients, Span firstMoments, Span secondMoments) {

    /**
     * The vectors of a network, which keeps owning them.
     *
     * @throws IllegalArgumentException when not one Adam trains all its parameters, or the set cannot use its arrays
     */
    public static NetworkVectors of(MultiLayerNetwork network, Kernels kernels) {
        long length = network.numParams();
        INDArray state = state(network);
        if (state == null || state.length() != 2 * length) {
            throw new IllegalArgumentException(
                    "the network's updater does not keep two moments of every parameter in one block; train it by Adam");
        }
        if (network.getFlattenedGradients() == null) {
            network.initGradientsView();
        }
        INDArray flat = state.reshape('c', new long[] {2 * length});
        return new NetworkVectors(
                kernels.wrap(network.params()),
                kernels.wrap(network.getFlattenedGradients()),
                kernels.wrap(flat.get(NDArrayIndex.interval(0, length))),
                kernels.wrap(flat.get(NDArrayIndex.interval(length, 2 * length))));
    }

    /**
     * Frees the network's memory, as much of it as was allocated; unlike its own {@code close} without a collection of the
     * whole heap.
     */
    public static void close(MultiLayerNetwork network) {
        Updater updater = network.getUpdater(false);
        Stream.of(
                        network.params(),
                        network.getFlattenedGradients(),
                        updater == null ? null : updater.getStateViewArray(),
                        network instanceof AlignedNetwork aligned
                                ? aligned.allocatedMoments().orElse(null)
                                : null)
                .filter(Objects::nonNull)
                .forEach(AlignedNetwork::close);
        for (Layer layer : network.getLayers()) {
            layer.close();
        }
    }

    /** {@code null} where there is none, or more than one block of it. */
    private static INDArray state(MultiLayerNetwork network) {
        if (network instanceof AlignedNetwork aligned) {
            Optional<INDArray> moments = aligned.momentsOfOneAdam();
            if (moments.isPresent()) {
                return moments.get();
            }
        }
        if (!(network.getUpdater() instanceof BaseMultiLayerUpdater<?> updater)) {
            return null;
        }
        List<UpdaterBlock> blocks = updater.getUpdaterBlocks();
        return blocks.size() == 1 ? updater.getStateViewArray() : null;
    }
}
