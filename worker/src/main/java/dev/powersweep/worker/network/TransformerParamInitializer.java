package dev.powersweep.worker.network;

import dev.powersweep.worker.model.RandomStream;
import java.util.Arrays;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import org.deeplearning4j.nn.api.ParamInitializer;
import org.deeplearning4j.nn.conf.NeuralNetConfiguration;
import org.deeplearning4j.nn.conf.layers.Layer;
import org.nd4j.linalg.api.buffer.DataBuffer;
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
            fill(configuration, view);
        }
        return tensors;
    }

    /**
     * Gives a layer's tensors their initial values.
     *
     * @param view of its parameters, in order, [1, parameters]
     */
    static void fill(NeuralNetConfiguration configuration, INDArray view) {
        INDArray flat = view.reshape('c', new long[] {view.length()});
        int number = ((TransformerLayer) configuration.getLayer()).getTensorsBefore();
        // A layer's many small tensors go to its array together.
        double[] numbers = new double[(int) Math.min(AT_ONCE, flat.length())];
        int count = 0;
        long begin = 0;
        for (TensorPlan tensor : plan(configuration.getLayer())) {
            long key = RandomStream.key(configuration.getSeed(), "initial weights", number++, 0);
            for (long i = 0; i < tensor.length(); i++) {
                if (count == numbers.length) {
                    write(numbers, count, flat, begin);
                    begin += count;
                    count = 0;
                }
                numbers[count++] =
                        tensor.deviation() == 0 ? tensor.fill() : tensor.deviation() * RandomStream.normal(key, i);
            }
        }
        write(numbers, count, flat, begin);
    }

    private static void write(double[] numbers, int count, INDArray flat, long begin) {
        INDArray part = Nd4j.createFromArray(count == numbers.length ? numbers : Arrays.copyOf(numbers, count));
        flat.get(NDArrayIndex.interval(begin, begin + count)).assign(part);
        // The heap may not be collected for long.
        part.close();
    }

    @Override
    public Map<String, INDArray> getGradientsFromFlattened(NeuralNetConfiguration configuration, INDArray view) {
        return views(configuration.getLayer(), view);
    }

    private static Map<String, INDArray> views(Layer layer, INDArray view) {
        Map<String, INDArray> tensors = new LinkedHashMap<>();
        long offset = view.offset();
        DataBuffer whole = view.data().originalDataBuffer() == null
                ? view.data()
                : view.data().originalDataBuffer();
        for (TensorPlan tensor : plan(layer)) {
            // In one go: a network of a few layers has a hundred such views, and each array takes a while to make.
            tensors.put(
                    tensor.name(),
                    Nd4j.create(
                            whole,
                            new long[] {tensor.rows(), tensor.columns()},
                            new long[] {tensor.columns(), 1},
                            offset,
                            'c',
                            view.dataType()));
            offset += tensor.length();
        }
        return tensors;
    }
}
