package dev.powersweep.worker.network;

import dev.powersweep.worker.cell.ModelShape.Positions;
import java.util.ArrayList;
import java.util.Collection;
import java.util.List;
import org.deeplearning4j.nn.api.Layer;
import org.deeplearning4j.nn.conf.NeuralNetConfiguration;
import org.deeplearning4j.optimize.api.TrainingListener;
import org.nd4j.linalg.api.buffer.DataType;
import org.nd4j.linalg.api.ndarray.INDArray;

/** Token embedding, with learned positions added where the model has them: [sequences, context] to [tokens, width]. */
public final class TokenEmbedding extends TransformerLayer {

    private static final long serialVersionUID = 1L;
    static final String TOKENS = "tokenEmbedding";
    static final String POSITIONS = "positionEmbedding";

    private Positions positions = Positions.LEARNED;
    private double deviation;
    private boolean sharedWithHead;

    /** For Deeplearning4j's JSON. */
    public TokenEmbedding() {}

    TokenEmbedding(
            long vocabulary,
            long width,
            int context,
            Positions positions,
            double deviation,
            double dropped,
            boolean sharedWithHead) {
        super("embedding", vocabulary, width, context, dropped);
        this.positions = positions;
        this.deviation = deviation;
        this.sharedWithHead = sharedWithHead;
    }

    @Override
    List<TensorPlan> plan() {
        List<TensorPlan> plan = new ArrayList<>();
        plan.add(TensorPlan.matrix(TOKENS, getNIn(), getNOut(), deviation));
        if (positions == Positions.LEARNED) {
            plan.add(TensorPlan.matrix(POSITIONS, getContext(), getNOut(), deviation));
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

    public void setPositions(Positions positions) {
        this.positions = positions;
    }

    public double getDeviation() {
        return deviation;
    }

    public void setDeviation(double deviation) {
        this.deviation = deviation;
    }

    /** Whether the head of the network unembeds by this embedding, and has begun its gradient. */
    public boolean isSharedWithHead() {
        return sharedWithHead;
    }

    public void setSharedWithHead(boolean sharedWithHead) {
        this.sharedWithHead = sharedWithHead;
    }
}
