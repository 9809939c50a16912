package dev.powersweep.worker.network;

import dev.powersweep.worker.cell.ModelShape;
import dev.powersweep.worker.cell.ModelShape.Embeddings;
import dev.powersweep.worker.cell.ModelShape.Positions;
import java.util.ArrayList;
import java.util.Collection;
import java.util.List;
import org.deeplearning4j.nn.api.Layer;
import org.deeplearning4j.nn.conf.NeuralNetConfiguration;
import org.deeplearning4j.optimize.api.TrainingListener;
import org.nd4j.linalg.api.buffer.DataType;
import org.nd4j.linalg.api.ndarray.INDArray;
import org.nd4j.shade.jackson.annotation.JsonProperty;

/** Token embedding, with learned positions added where the model has them: [sequences, context] to [tokens, width]. */
public final class TokenEmbedding extends TransformerLayer {

    private static final long serialVersionUID = 1L;
    static final String TOKENS = "tokenEmbedding";
    static final String POSITIONS = "positionEmbedding";

    @JsonProperty
    private Positions positions = Positions.LEARNED;

    @JsonProperty
    private boolean sharedWithHead;

    /** For Deeplearning4j's JSON. */
    public TokenEmbedding() {}

    TokenEmbedding(ModelShape shape, double deviation, double dropped) {
        super("embedding", shape.vocabulary(), shape.width(), shape.context(), dropped, deviation, List.of());
        positions = shape.positions();
        sharedWithHead = shape.embeddings() == Embeddings.TIED;
    }

    @Override
    List<TensorPlan> plan() {
        List<TensorPlan> plan = new ArrayList<>();
        plan.add(TensorPlan.matrix(TOKENS, getNIn(), getNOut(), getDeviation()));
        if (positions == Positions.LEARNED) {
            plan.add(TensorPlan.matrix(POSITIONS, getContext(), getNOut(), getDeviation()));
        }
        return plan;
    }

    @Override
    public Layer instantiate(
            NeuralNetConfiguration conf,
            Collection<TrainingListener> listeners,
            int index,
            INDArray parameters,
            boolean initialise,
            DataType type) {
        return new TokenEmbeddingLayer(conf, type).prepare(listeners, index, parameters, initialise);
    }

    public Positions getPositions() {
        return positions;
    }

    /** Whether the head of the network unembeds by this embedding, and has begun its gradient. */
    public boolean isSharedWithHead() {
        return sharedWithHead;
    }
}
