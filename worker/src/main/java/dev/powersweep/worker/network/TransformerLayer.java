package dev.powersweep.worker.network;

import java.util.List;
import org.deeplearning4j.nn.api.ParamInitializer;
import org.deeplearning4j.nn.conf.InputPreProcessor;
import org.deeplearning4j.nn.conf.inputs.InputType;
import org.deeplearning4j.nn.conf.layers.FeedForwardLayer;
import org.deeplearning4j.nn.conf.memory.LayerMemoryReport;
import org.deeplearning4j.nn.conf.memory.MemoryReport;
import org.nd4j.shade.jackson.annotation.JsonIgnore;
import org.nd4j.shade.jackson.annotation.JsonProperty;

/** What the layers' configurations have in common. Their annotated fields are their JSON. */
public abstract class TransformerLayer extends FeedForwardLayer {

    private static final long serialVersionUID = 1L;
    /** Of what the layers compute from their fields and parameters, and of their order in the flat vector. */
    static final int VERSION = 1;

    @JsonProperty
    private int version = VERSION;

    @JsonProperty
    private int context;

    @JsonProperty
    private double dropped;

    @JsonProperty
    private double deviation;

    @JsonProperty
    private int tensorsBefore;

    @JsonProperty
    private long parametersBefore;

    protected TransformerLayer() {}

    /** @param before the layers below, from the first on */
    protected TransformerLayer(
            String name,
            long inputs,
            long outputs,
            int context,
            double dropped,
            double deviation,
            List<TransformerLayer> before) {
        setLayerName(name);
        setNIn(inputs);
        setNOut(outputs);
        this.context = context;
        this.dropped = dropped;
        this.deviation = deviation;
        for (TransformerLayer layer : before) {
            tensorsBefore += layer.plan().size();
            parametersBefore +=
                    layer.plan().stream().mapToLong(TensorPlan::length).sum();
        }
    }

    /** The layer's tensors. */
    abstract List<TensorPlan> plan();

    /** @throws IllegalArgumentException when another release of PowerSweep wrote the layer, and it means something else */
    final void requireVersion() {
        if (version != VERSION) {
            throw new IllegalArgumentException("layer " + getLayerName() + " is of version " + version
                    + " of PowerSweep's layers, and this release computes version " + VERSION
                    + "; open it with the release that wrote it");
        }
    }

    /** {@value #VERSION}, unless another release wrote it. */
    public int getVersion() {
        return version;
    }

    /** Tokens a sequence holds. */
    public int getContext() {
        return context;
    }

    /** Share dropped while training, in [0, 1), by a hash of seed, iteration and place. */
    public double getDropped() {
        return dropped;
    }

    /** Of the initial weights of matrices and embeddings. */
    public double getDeviation() {
        return deviation;
    }

    /** Tensors of the layers below: a tensor's number in the network is that of its random stream. */
    public int getTensorsBefore() {
        return tensorsBefore;
    }

    /** Where the layer's parameters begin in the network's flat vector. */
    public long getParametersBefore() {
        return parametersBefore;
    }

    @Override
    public ParamInitializer initializer() {
        return TransformerParamInitializer.INSTANCE;
    }

    @Override
    public InputType getOutputType(int layerIndex, InputType inputType) {
        return InputType.feedForward(getNOut());
    }

    @Override
    public void setNIn(InputType inputType, boolean override) {
        // The builder sets it.
    }

    @Override
    @JsonIgnore
    public InputPreProcessor getPreProcessorForInputType(InputType inputType) {
        return null;
    }

    @Override
    public LayerMemoryReport getMemoryReport(InputType inputType) {
        long parameters = initializer().numParams(this);
        return new LayerMemoryReport.Builder(getLayerName(), getClass(), inputType, inputType)
                .standardMemory(parameters, 2 * parameters)
                .workingMemory(0, 0, MemoryReport.CACHE_MODE_ALL_ZEROS, MemoryReport.CACHE_MODE_ALL_ZEROS)
                .build();
    }
}
