package dev.powersweep.worker.network;

import dev.powersweep.worker.cell.ModelShape.Activation;
import dev.powersweep.worker.cell.ModelShape.Normalization;
import dev.powersweep.worker.cell.ModelShape.Positions;
import java.util.ArrayList;
import java.util.Collection;
import java.util.List;
import org.deeplearning4j.nn.api.Layer;
import org.deeplearning4j.nn.conf.NeuralNetConfiguration;
import org.deeplearning4j.optimize.api.TrainingListener;
import org.nd4j.linalg.api.buffer.DataType;
import org.nd4j.linalg.api.ndarray.INDArray;

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

    private int number;
    private int heads = 1;
    private int feedForward;
    private double attentionScale;
    private Activation function = Activation.GELU;
    private Positions positions = Positions.LEARNED;
    private Normalization normalization = Normalization.LAYER_NORM;
    private double deviation;
    private double residualDeviation;

    /** For Deeplearning4j's JSON. */
    public TransformerBlock() {}

    TransformerBlock(int number, long width, int context, double dropped) {
        super("block." + number, width, width, context, dropped);
        this.number = number;
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
        plan.add(TensorPlan.matrix(QKV, width, 3 * width, deviation));
        plan.add(TensorPlan.matrix(ATTENTION_OUT, width, width, residualDeviation));
        plan.add(TensorPlan.vector(FEED_FORWARD_GAIN, width, 1));
        if (biased) {
            plan.add(TensorPlan.vector(FEED_FORWARD_BIAS, width, 0));
        }
        plan.add(TensorPlan.matrix(UP, width, feedForward, deviation));
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

    public void setNumber(int number) {
        this.number = number;
    }

    public int getHeads() {
        return heads;
    }

    public void setHeads(int heads) {
        this.heads = heads;
    }

    /** d_ff. */
    public int getFeedForward() {
        return feedForward;
    }

    public void setFeedForward(int feedForward) {
        this.feedForward = feedForward;
    }

    /** Factor of attention scores. */
    public double getAttentionScale() {
        return attentionScale;
    }

    public void setAttentionScale(double attentionScale) {
        this.attentionScale = attentionScale;
    }

    /** Of the feed-forward map. */
    public Activation getFunction() {
        return function;
    }

    public void setFunction(Activation function) {
        this.function = function;
    }

    public Positions getPositions() {
        return positions;
    }

    public void setPositions(Positions positions) {
        this.positions = positions;
    }

    public Normalization getNormalization() {
        return normalization;
    }

    public void setNormalization(Normalization normalization) {
        this.normalization = normalization;
    }

    public double getDeviation() {
        return deviation;
    }

    public void setDeviation(double deviation) {
        this.deviation = deviation;
    }

    /** Of matrices that write to the residual stream. */
    public double getResidualDeviation() {
        return residualDeviation;
    }

    public void setResidualDeviation(double residualDeviation) {
        this.residualDeviation = residualDeviation;
    }
}
