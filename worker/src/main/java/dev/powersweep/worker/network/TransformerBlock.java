package dev.powersweep.worker.network;

import dev.powersweep.worker.cell.ModelShape;
import dev.powersweep.worker.cell.ModelShape.Activation;
import dev.powersweep.worker.cell.ModelShape.Normalization;
import dev.powersweep.worker.cell.ModelShape.Positions;
import dev.powersweep.worker.model.ParameterLayout.Role;
import dev.powersweep.worker.model.Parametrisation;
import java.util.ArrayList;
import java.util.Collection;
import java.util.List;
import org.deeplearning4j.nn.api.Layer;
import org.deeplearning4j.nn.conf.NeuralNetConfiguration;
import org.deeplearning4j.optimize.api.TrainingListener;
import org.nd4j.linalg.api.buffer.DataType;
import org.nd4j.linalg.api.ndarray.INDArray;
import org.nd4j.shade.jackson.annotation.JsonProperty;

/** A pre-norm block: causal attention and a feed-forward map on the residual stream, [tokens, width] to the same. */
public final class TransformerBlock extends TransformerLayer {

    private static final long serialVersionUID = 1L;
    static final String ATTENTION_GAIN = "attentionNorm.gain";
    static final String ATTENTION_BIAS = "attentionNorm.bias";
    static final String QKV = "attention.qkv";
    static final String ATTENTION_OUT = "attention.out";
    static final String FEED_FORWARD_GAIN = "feedForwardNorm.gain";
    static final String FEED_FORWARD_BIAS = "feedForwardNorm.bias";
    static final String UP = "feedForward.up";
    static final String DOWN = "feedForward.down";

    @JsonProperty
    private int number;

    @JsonProperty
    private int heads = 1;

    @JsonProperty
    private int feedForward;

    @JsonProperty
    private double attentionScale;

    @JsonProperty
    private Activation function = Activation.GELU;

    @JsonProperty
    private Positions positions = Positions.LEARNED;

    @JsonProperty
    private Normalization normalization = Normalization.LAYER_NORM;

    @JsonProperty
    private double residualDeviation;

    /** For Deeplearning4j's JSON. */
    public TransformerBlock() {}

    TransformerBlock(
            ModelShape shape,
            Parametrisation parametrisation,
            int number,
            double dropped,
            List<TransformerLayer> before) {
        super(
                "block." + number,
                shape.width(),
                shape.width(),
                shape.context(),
                dropped,
                parametrisation.standardDeviation(Role.HIDDEN),
                before);
        this.number = number;
        heads = shape.heads();
        feedForward = shape.feedForward();
        attentionScale = parametrisation.attentionScale();
        function = shape.activation();
        positions = shape.positions();
        normalization = shape.normalization();
        residualDeviation = parametrisation.standardDeviation(Role.RESIDUAL_PROJECTION);
    }

    @Override
    List<TensorPlan> plan() {
        long width = getNOut();
        boolean biased = normalization == Normalization.LAYER_NORM;
        List<TensorPlan> plan = new ArrayList<>();
        plan.add(TensorPlan.vector(ATTENTION_GAIN, width, 1));
        if (biased) {
            plan.add(TensorPlan.vector(ATTENTION_BIAS, width, 0));
        }
        plan.add(TensorPlan.matrix(QKV, width, 3 * width, getDeviation()));
        plan.add(TensorPlan.matrix(ATTENTION_OUT, width, width, residualDeviation));
        plan.add(TensorPlan.vector(FEED_FORWARD_GAIN, width, 1));
        if (biased) {
            plan.add(TensorPlan.vector(FEED_FORWARD_BIAS, width, 0));
        }
        plan.add(TensorPlan.matrix(UP, width, feedForward, getDeviation()));
        plan.add(TensorPlan.matrix(DOWN, feedForward, width, residualDeviation));
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
        return new TransformerBlockLayer(conf, type).prepare(listeners, index, parameters, initialise);
    }

    /** Place in the model, from 0 on. */
    public int getNumber() {
        return number;
    }

    public int getHeads() {
        return heads;
    }

    /** d_ff. */
    public int getFeedForward() {
        return feedForward;
    }

    /** Factor of attention scores. */
    public double getAttentionScale() {
        return attentionScale;
    }

    /** Of the feed-forward map. */
    public Activation getFunction() {
        return function;
    }

    public Positions getPositions() {
        return positions;
    }

    public Normalization getNormalization() {
        return normalization;
    }

    /** Of the initial weights of matrices that write to the residual stream. */
    public double getResidualDeviation() {
        return residualDeviation;
    }
}
