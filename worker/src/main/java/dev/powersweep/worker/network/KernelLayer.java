package dev.powersweep.worker.network;

import dev.powersweep.worker.kernels.Dropout;
import dev.powersweep.worker.kernels.Kernels;
import dev.powersweep.worker.kernels.Matrix;
import dev.powersweep.worker.kernels.Norm;
import dev.powersweep.worker.model.RandomStream;
import java.util.Collection;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import org.deeplearning4j.nn.conf.NeuralNetConfiguration;
import org.deeplearning4j.nn.gradient.DefaultGradient;
import org.deeplearning4j.nn.gradient.Gradient;
import org.deeplearning4j.nn.layers.BaseLayer;
import org.deeplearning4j.nn.layers.LayerHelper;
import org.deeplearning4j.optimize.api.TrainingListener;
import org.nd4j.linalg.api.buffer.DataType;
import org.nd4j.linalg.api.ndarray.INDArray;
import org.nd4j.linalg.factory.Nd4j;
import org.nd4j.linalg.learning.regularization.Regularization;
import org.nd4j.linalg.learning.regularization.WeightDecay;

/** A layer whose arithmetic is a kernel set's, on the network's own parameters and gradients. */
abstract class KernelLayer<C extends TransformerLayer> extends BaseLayer<C> {

    private static final long serialVersionUID = 1L;

    /** Opened when it is first asked for: the layers of a sweep's cell never are, since its session has its own set. */
    private transient KernelHelper helper;
    /** Sequences that the working memory is for; 0 for none yet. */
    private int room;

    KernelLayer(NeuralNetConfiguration configuration, DataType type) {
        super(configuration, type);
    }

    KernelLayer<C> prepare(Collection<TrainingListener> listeners, int index, INDArray parameters, boolean initialise) {
        layerConf().requireVersion();
        setListeners(listeners);
        setIndex(index);
        setParamsViewArray(parameters);
        setParamTable(layerConf().initializer().init(conf(), parameters, initialise));
        return this;
    }

    /** Gives the parameters their initial values. */
    final void initialise() {
        TransformerParamInitializer.fill(conf(), paramsFlattened);
    }

    final Kernels kernels() {
        return helper().kernels();
    }

    final KernelHelper helper() {
        if (helper == null) {
            helper = new KernelHelper(dataType);
        }
        return helper;
    }

    /** Makes working memory for so many sequences, if there is less. */
    final void makeRoom(int sequences) {
        if (sequences > room) {
            close();
            allocate(sequences);
            room = sequences;
        }
    }

    abstract void allocate(int sequences);

    final Matrix parameter(String name) {
        return matrix(paramsFlattened, name);
    }

    final Matrix gradient(String name) {
        return matrix(gradientsFlattened, name);
    }

    final Norm normParameters(String gain, String bias) {
        return norm(paramsFlattened, gain, bias);
    }

    final Norm normGradients(String gain, String bias) {
        return norm(gradientsFlattened, gain, bias);
    }

    private Norm norm(INDArray flat, String gain, String bias) {
        return new Norm(matrix(flat, gain).data(), view(flat, bias).map(Matrix::data));
    }

    private Matrix matrix(INDArray flat, String name) {
        return view(flat, name).orElseThrow();
    }

    /** A layer's tensor; empty where it has none of this name. */
    final Optional<Matrix> view(INDArray flat, String name) {
        for (TensorPlan tensor : layerConf().plan()) {
            if (tensor.name().equals(name)) {
                return Optional.of(new Matrix(
                        kernels().wrap(flat).part(TensorPlan.offset(layerConf().plan(), name), tensor.length()),
                        (int) tensor.rows(),
                        (int) tensor.columns()));
            }
        }
        return Optional.empty();
    }

    /** The first numbers of the network's own flat vector that this layer's part of it begins at {@code before}. */
    final Matrix networkStart(INDArray part, long before, int rows, int columns) {
        long length = (long) rows * columns;
        if (before < length || before > part.offset()) {
            throw new IllegalArgumentException("layer " + layerConf().getLayerName() + " unembeds by the first "
                    + length
                    + " parameters of its network, and " + before + " are said to be before it, where " + part.offset()
                    + " are; take the layers of one network");
        }
        INDArray start = Nd4j.create(
                part.data().originalDataBuffer() == null
                        ? part.data()
                        : part.data().originalDataBuffer(),
                new long[] {length},
                new long[] {1},
                part.offset() - before,
                'c',
                part.dataType());
        return new Matrix(kernels().wrap(start), rows, columns);
    }

    final INDArray fresh(long rows, long columns) {
        return Nd4j.createUninitialized(dataType, new long[] {rows, columns}, 'c');
    }

    final INDArray packed(INDArray array) {
        return array.castTo(dataType).dup('c');
    }

    final Gradient tableOfGradients() {
        Gradient table = new DefaultGradient(gradientsFlattened);
        if (gradientViews == null) {
            gradientViews = new LinkedHashMap<>(
                    layerConf().initializer().getGradientsFromFlattened(conf(), gradientsFlattened));
        }
        for (String name : layerConf().initializer().paramKeys(layerConf())) {
            table.setGradientFor(name, gradientViews.get(name));
        }
        return table;
    }

    /** Makes no views by name, unlike the overridden method: a sweep's cell does not ask for them. */
    @Override
    public void setBackpropGradientsViewArray(INDArray gradients) {
        if (gradients.length() != numParams()) {
            throw new IllegalArgumentException("layer " + layerConf().getLayerName() + " has " + numParams()
                    + " parameters, and was given room for " + gradients.length() + " gradients");
        }
        gradientsFlattened = gradients;
        gradientViews = null;
    }

    /** An array's own memory. */
    final Matrix wrap(INDArray matrix) {
        return new Matrix(kernels().wrap(matrix), (int) matrix.size(0), (int) matrix.size(1));
    }

    /** What is dropped at one site in this iteration. */
    final Dropout dropout(boolean training, int site) {
        double share = layerConf().getDropped();
        if (!training) {
            return Dropout.NONE;
        }
        long key = RandomStream.key(conf().getSeed(), "dropout", iterationCount + 1L, 0);
        return Dropout.of(share).at(RandomStream.bits(key, site), 0);
    }

    /** Without decoupled weight decay, which is no part of the loss: the score stays nats per token. */
    @Override
    public double calcRegularizationScore(boolean trainableAlone) {
        double sum = 0;
        for (Map.Entry<String, INDArray> parameter : paramTable(trainableAlone).entrySet()) {
            List<Regularization> rules = layerConf().getRegularizationByParam(parameter.getKey());
            for (Regularization rule : rules == null ? List.<Regularization>of() : rules) {
                if (!(rule instanceof WeightDecay)) {
                    sum += rule.score(parameter.getValue(), iterationCount, epochCount);
                }
            }
        }
        return sum;
    }

    @Override
    public LayerHelper getHelper() {
        return helper();
    }

    @Override
    public boolean isPretrainLayer() {
        return false;
    }

    @Override
    public void clearNoiseWeightParams() {
        // There are none.
    }

    @Override
    public void close() {
        if (helper != null) {
            helper.close();
            helper = null;
        }
        room = 0;
    }
}
