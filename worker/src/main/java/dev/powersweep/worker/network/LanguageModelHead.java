package dev.powersweep.worker.network;

import dev.powersweep.worker.cell.ModelShape.Embeddings;
import dev.powersweep.worker.cell.ModelShape.Normalization;
import java.util.ArrayList;
import java.util.Collection;
import java.util.List;
import org.deeplearning4j.nn.api.Layer;
import org.deeplearning4j.nn.conf.NeuralNetConfiguration;
import org.deeplearning4j.optimize.api.TrainingListener;
import org.nd4j.linalg.api.buffer.DataType;
import org.nd4j.linalg.api.ndarray.INDArray;

/**
 * Final norm, unembedding and cross-entropy, the mean over all tokens in nats. Its output is probabilities in
 * Deeplearning4j's format of sequences, [sequences, vocabulary, context]; labels are those, or token ids [sequences, context].
 */
public final class LanguageModelHead extends TransformerLayer {

    private static final long serialVersionUID = 1L;
    static final String GAIN = "finalNorm.gain";
    static final String BIAS = "finalNorm.bias";
    static final String UNEMBEDDING = "unembedding";

    private Normalization normalization = Normalization.LAYER_NORM;
    private Embeddings embeddings = Embeddings.TIED;
    private double logitScale = 1;
    private double deviation;
    private long parametersBefore;

    /** For Deeplearning4j's JSON. */
    public LanguageModelHead() {}

    LanguageModelHead(long width, long vocabulary, int context) {
        super("head", width, vocabulary, context, 0);
    }

    @Override
    List<TensorPlan> plan() {
        List<TensorPlan> plan = new ArrayList<>();
        plan.add(TensorPlan.vector(GAIN, getNIn(), 1));
        if (normalization == Normalization.LAYER_NORM) {
            plan.add(TensorPlan.vector(BIAS, getNIn(), 0));
        }
        if (embeddings == Embeddings.UNTIED) {
            plan.add(TensorPlan.matrix(UNEMBEDDING, getNOut(), getNIn(), deviation));
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
        return new LanguageModelHeadLayer(conf, type).prepare(listeners, index, parameters, initialise);
    }

    public Normalization getNormalization() {
        return normalization;
    }

    public void setNormalization(Normalization normalization) {
        this.normalization = normalization;
    }

    public Embeddings getEmbeddings() {
        return embeddings;
    }

    public void setEmbeddings(Embeddings embeddings) {
        this.embeddings = embeddings;
    }

    public double getLogitScale() {
        return logitScale;
    }

    public void setLogitScale(double logitScale) {
        this.logitScale = logitScale;
    }

    public double getDeviation() {
        return deviation;
    }

    public void setDeviation(double deviation) {
        this.deviation = deviation;
    }

    /** Of the network's flat vector, whose first are the token embedding. */
    public long getParametersBefore() {
        return parametersBefore;
    }

    public void setParametersBefore(long parametersBefore) {
        this.parametersBefore = parametersBefore;
    }
}
