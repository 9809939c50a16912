package dev.powersweep.worker.network;

import dev.powersweep.worker.cell.ModelShape;
import dev.powersweep.worker.cell.ModelShape.Embeddings;
import java.util.List;
import org.deeplearning4j.nn.conf.MultiLayerConfiguration;
import org.deeplearning4j.nn.conf.NeuralNetConfiguration;
import org.deeplearning4j.nn.conf.layers.Layer;

/** Whether layers are those of one Transformer: an embedding, blocks, a head, each made for the ones below it. */
final class NetworkShape {

    private NetworkShape() {}

    /** @throws IllegalArgumentException in one sentence, naming the first layer that does not belong to the others */
    static void require(List<Layer> layers) {
        int last = layers.size() - 1;
        if (last < 2
                || !(layers.get(0) instanceof TokenEmbedding embedding)
                || !(layers.get(last) instanceof LanguageModelHead head)) {
            throw new IllegalArgumentException(
                    "its layers are not a TokenEmbedding, one TransformerBlock or more, and a"
                            + " LanguageModelHead; build it with TransformerLanguageModel");
        }
        long tensors = 0;
        long parameters = 0;
        for (int index = 0; index <= last; index++) {
            if (!(layers.get(index) instanceof TransformerLayer layer)
                    || (index > 0 && index < last) != layer instanceof TransformerBlock) {
                throw wrong(
                        layers.get(index),
                        "stands where a TransformerBlock is expected; build the network with TransformerLanguageModel");
            }
            layer.requireVersion();
            boolean fits = layer.getContext() == embedding.getContext()
                    && layer.getTensorsBefore() == tensors
                    && layer.getParametersBefore() == parameters
                    && (index == 0 || layer.getNIn() == embedding.getNOut())
                    && (index == last || layer.getNOut() == embedding.getNOut());
            if (!fits) {
                throw wrong(layer, "was made for other layers than those below it; take those of one network");
            }
            if (layer instanceof TransformerBlock block) {
                requireShape(embedding, block, index - 1, head, last - 1);
            }
            tensors += layer.plan().size();
            parameters += layer.plan().stream().mapToLong(TensorPlan::length).sum();
        }
        if (head.getNOut() != embedding.getNIn()
                || embedding.isSharedWithHead() != (head.getEmbeddings() == Embeddings.TIED)) {
            throw wrong(head, "was made for another embedding; take that of its own network");
        }
    }

    private static void requireShape(
            TokenEmbedding embedding, TransformerBlock block, int number, LanguageModelHead head, int blocks) {
        ModelShape shape = new ModelShape(
                blocks,
                Math.toIntExact(embedding.getNOut()),
                block.getHeads(),
                block.getFeedForward(),
                embedding.getContext(),
                Math.toIntExact(embedding.getNIn()),
                block.getFunction(),
                block.getPositions(),
                block.getNormalization(),
                head.getEmbeddings());
        if (block.getNumber() != number
                || shape.positions() != embedding.getPositions()
                || shape.normalization() != head.getNormalization()) {
            throw wrong(block, "was made for other layers than those around it; take those of one network");
        }
    }

    private static IllegalArgumentException wrong(Layer layer, String what) {
        return new IllegalArgumentException("layer " + layer.getLayerName() + " " + what);
    }

    /** Of all layers. */
    static long parameters(MultiLayerConfiguration configuration) {
        return configuration.getConfs().stream()
                .map(NeuralNetConfiguration::getLayer)
                .mapToLong(layer -> layer.initializer().numParams(layer))
                .sum();
    }
}
