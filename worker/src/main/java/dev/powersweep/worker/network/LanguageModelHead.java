package dev.powersweep.worker.network;

import dev.powersweep.worker.cell.ModelShape;
import dev.powersweep.worker.cell.ModelShape.Embeddings;
import dev.powersweep.worker.cell.ModelShape.Normalization;
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

/**
 * Final norm, unembedding and cross-entropy, the mean over all tokens in nats. Its output is probabilities in
 * Deeplearning4j's format of sequences, [sequences, vocabulary, context]; labels are those, or token ids [sequences, context].
 * A tied one unembeds by the first parameters of the network, which are the token embedding.
 */
public final class LanguageModelHead extends TransformerLayer {

    private static final long serialVersionUID = 1L;
    static final String GAIN = "finalNorm.gain";
    static final String BIAS = "finalNorm.bias";
    static final String UNEMBEDDING = "unembedding";

    @JsonProperty
    private Normalization normalization = Normalization.LAYER_NORM;

    @JsonProperty
    private Embeddings embeddings = Embeddings.TIED;

    @JsonProperty
    private double logitScale = 1;

    /** For Deeplearning4j's JSON. */
    public LanguageModelHead() {}

    LanguageModelHead(ModelShape shape, Parametrisation parametrisation, List<TransformerLayer> before) {
        super(
                "head",
                shape.width(),
                shape.vocabulary(),
                shape.context(),
                0,
                parametrisation.standardDeviation(Role.UNEMBEDDING),
                before);
        normalization = shape.normalization();
        embeddings = shape.embeddings();
        logitScale = parametrisation.logitScale();
    }

    @Override
    List<TensorPlan> plan() {
        List<TensorPlan> plan = new ArrayList<>();
        plan.add(TensorPlan.vector(GAIN, getNIn(), 1));
        if (normalization == Normalization.LAYER_NORM) {
            plan.add(TensorPlan.vector(BIAS, getNIn(), 0));
        }
        if (embeddings == Embeddings.UNTIED) {
            plan.add(TensorPlan.matrix(UNEMBEDDING, getNOut(), getNIn(), getDeviation()));
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

    public Embeddings getEmbeddings() {
        return embeddings;
    }

    public double getLogitScale() {
        return logitScale;
    }
}
