package dev.powersweep.worker.network;

import java.util.List;
import org.deeplearning4j.nn.api.ParamInitializer;
import org.deeplearning4j.nn.conf.InputPreProcessor;
import org.deeplearning4j.nn.conf.inputs.InputType;
import org.deeplearning4j.nn.conf.layers.FeedForwardLayer;
import org.deeplearning4j.nn.conf.memory.LayerMemoryReport;
import org.deeplearning4j.nn.conf.memory.MemoryReport;
import org.nd4j.shade.jackson.annotation.JsonIgnore;

/** What the layers' configurations have in common. Deeplearning4j reads and writes them as JSON by getters and setters. */
public abstract class TransformerLayer extends FeedForwardLayer {

    private static final long serialVersionUID = 1L;

    private int context;
    private double dropped;

    protected TransformerLayer() {}

    protected TransformerLayer(String name, long inputs, long outputs, int context, double dropped) {
        setLayerName(name);
        setNIn(inputs);
        setNOut(outputs);
        this.context = context;
        this.dropped = dropped;
    }

    /** The layer's tensors. */
    abstract List<TensorPlan> plan();

    /** Tokens a sequence holds. */
    public int getContext() {
        return context;
    }

    public void setContext(int context) {
        this.context = context;
    }

    /** Share dropped while training, in [0, 1), by a hash of seed, iteration and place. */
    public double getDropped() {
        return dropped;
    }

    public void setDropped(double dropped) {
        this.dropped = dropped;
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
