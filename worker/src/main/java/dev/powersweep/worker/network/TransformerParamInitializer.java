package dev.powersweep.worker.network;

import dev.powersweep.worker.model.RandomStream;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import org.deeplearning4j.nn.api.ParamInitializer;
import org.deeplearning4j.nn.conf.NeuralNetConfiguration;
import org.deeplearning4j.nn.conf.layers.Layer;
import org.nd4j.linalg.api.ndarray.INDArray;
import org.nd4j.linalg.factory.Nd4j;
import org.nd4j.linalg.indexing.NDArrayIndex;

/** Normal weights from a hash of (seed, number of the tensor in the network, place); gains 1, biases 0. */
final class TransformerParamInitializer implements ParamInitializer {

    static final TransformerParamInitializer INSTANCE = new TransformerParamInitializer();

    /** Weights made on the heap before they go to the array. */
    private static final int AT_ONCE = 1 << 14;

    private TransformerParamInitializer() {}

    private static List<TensorPlan> plan(Layer layer) {
        return ((TransformerLayer) layer).plan();
    }

    @Override
    public long numParams(NeuralNetConfiguration configuration) {
        return numParams(configuration.getLayer());
    }

    @Override
    public long numParams(Layer layer) {
        return plan(layer).stream().mapToLong(TensorPlan::length).sum();
    }

    @Override
    public List<String> paramKeys(Layer layer) {
        return plan(layer).stream().map(TensorPlan::name).toList();
    }

    @Override
    public List<String> weightKeys(Layer layer) {
        return plan(layer).stream()
                .filter(TensorPlan::weight)
                .map(TensorPlan::name)
                .toList();
    }

    @Override
    public List<String> biasKeys(Layer layer) {
        return plan(layer).stream()
                .filter(tensor -> !tensor.weight())
                .map(TensorPlan::name)
                .toList();
    }

    @Override
    public boolean isWeightParam(Layer layer, String key) {
        return weightKeys(layer).contains(key);
    }

    @Override
    public boolean isBiasParam(Layer layer, String key) {
        return biasKeys(layer).contains(key);
    }

    @Override
    public Map<String, INDArray> init(NeuralNetConfiguration configuration, INDArray view, boolean initialise) {
        Map<String, INDArray> tensors = views(configuration.getLayer(), view);
        configuration.setVariables(List.copyOf(tensors.keySet()));
        if (initialise) {
            int number = ((TransformerLayer) configuration.getLayer()).getTensorsBefore();
            for (TensorPlan tensor : plan(configuration.getLayer())) {
                long key = RandomStream.key(configuration.getSeed(), "initial weights", number++, 0);
                fill(tensor, key, tensors.get(tensor.name()).reshape('c', new long[] {tensor.length()}));
            }
        }
        return tensors;
    }

    private static void fill(TensorPlan tensor, long key, INDArray values) {
        if (tensor.deviation() == 0) {
            values.assign(tensor.fill());
            return;
        }
        for (long from = 0; from < tensor.length(); from += AT_ONCE) {
            double[] numbers = new double[(int) Math.min(AT_ONCE, tensor.length() - from)];
            for (int i = 0; i < numbers.length; i++) {
                numbers[i] = tensor.deviation() * RandomStream.normal(key, from + i);
            }
            INDArray part = Nd4j.createFromArray(numbers);
            values.get(NDArrayIndex.interval(from, from + numbers.length)).assign(part);
            // The heap may not be collected for long.
            part.close();
        }
    }

    @Override
    public Map<String, INDArray> getGradientsFromFlattened(NeuralNetConfiguration configuration, INDArray view) {
        return views(configuration.getLayer(), view);
    }

    private static Map<String, INDArray> views(Layer layer, INDArray view) {
        Map<String, INDArray> tensors = new LinkedHashMap<>();
        INDArray flat = view.reshape('c', new long[] {view.length()});
        long offset = 0;
        for (TensorPlan tensor : plan(layer)) {
            tensors.put(
                    tensor.name(),
                    flat.get(NDArrayIndex.interval(offset, offset + tensor.length()))
                            .reshape('c', new long[] {tensor.rows(), tensor.columns()}));
            offset += tensor.length();
        }
        return tensors;
    }
}
