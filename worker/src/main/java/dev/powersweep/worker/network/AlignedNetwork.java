package dev.powersweep.worker.network;

import java.util.Arrays;
import java.util.Optional;
import org.deeplearning4j.nn.api.Layer;
import org.deeplearning4j.nn.api.Updater;
import org.deeplearning4j.nn.conf.MultiLayerConfiguration;
import org.deeplearning4j.nn.multilayer.MultiLayerNetwork;
import org.deeplearning4j.nn.updater.MultiLayerUpdater;
import org.deeplearning4j.nn.updater.UpdaterUtils;
import org.nd4j.linalg.api.buffer.DataBuffer;
import org.nd4j.linalg.api.buffer.DataType;
import org.nd4j.linalg.api.ndarray.INDArray;
import org.nd4j.linalg.factory.Nd4j;
import org.nd4j.linalg.indexing.NDArrayIndex;
import org.nd4j.linalg.learning.config.Adam;

/**
 * A network whose flat vectors begin where a cache line does, with Adam's moments among them. ND4J's arrays begin 16 bytes
 * after one, and then every vector of 64 bytes that a kernel loads lies in two lines.
 */
final class AlignedNetwork extends MultiLayerNetwork {

    private static final long serialVersionUID = 1L;

    /** Bytes. */
    private static final int LINE = 64;

    private transient INDArray moments;

    private AlignedNetwork(MultiLayerConfiguration configuration, INDArray parameters) {
        super(configuration);
        init(parameters, false);
    }

    /** With its initial weights. */
    static MultiLayerNetwork fresh(MultiLayerConfiguration configuration) {
        AlignedNetwork network = new AlignedNetwork(
                configuration, row(configuration.getDataType(), NetworkShape.parameters(configuration)));
        for (Layer layer : network.getLayers()) {
            KernelLayer<?> kernelLayer = (KernelLayer<?>) layer;
            kernelLayer.initialise();
        }
        return network;
    }

    /** With a copy of weights [parameters]. */
    static MultiLayerNetwork of(MultiLayerConfiguration configuration, INDArray parameters) {
        INDArray own = row(configuration.getDataType(), parameters.length());
        own.assign(parameters.reshape('c', own.shape()));
        return new AlignedNetwork(configuration, own);
    }

    @Override
    public void initGradientsView() {
        flattenedGradients = row(params().dataType(), numParams());
        setBackpropGradientsViewArray(flattenedGradients);
    }

    @Override
    public Updater getUpdater(boolean initialise) {
        if (initialise && super.getUpdater(false) == null && adamTrainsAll()) {
            setUpdater(new MultiLayerUpdater(this, moments()));
        }
        return super.getUpdater(initialise);
    }

    /**
     * Adam's moments [2·parameters], m before v, where one Adam trains all parameters and no other updater was set: the
     * state of {@link #getUpdater()}, which takes a quarter of the network's time to make and which a sweep's cell does
     * not need. Empty otherwise.
     */
    Optional<INDArray> momentsOfOneAdam() {
        return super.getUpdater(false) == null && adamTrainsAll() && configurationsAreEqual()
                ? Optional.of(moments())
                : Optional.empty();
    }

    /** What {@link #momentsOfOneAdam} or the updater made; empty while neither did. */
    Optional<INDArray> allocatedMoments() {
        return Optional.ofNullable(moments);
    }

    private INDArray moments() {
        if (moments == null) {
            moments = zeros(params().dataType(), 2 * numParams());
        }
        return moments;
    }

    /** The one updater whose state begins as zeros for certain. */
    private boolean adamTrainsAll() {
        return Arrays.stream(getLayers()).allMatch(layer -> layer.paramTable(false).keySet().stream()
                .allMatch(name -> layer.getConfig().getUpdaterByParam(name) instanceof Adam));
    }

    /** Whether Deeplearning4j's updater would keep the state of all parameters in one block. */
    private boolean configurationsAreEqual() {
        Layer first = getLayers()[0];
        String name = first.paramTable(false).keySet().iterator().next();
        return Arrays.stream(getLayers()).allMatch(layer -> layer.paramTable(false).keySet().stream()
                .allMatch(other -> UpdaterUtils.updaterConfigurationsEquals(first, name, layer, other)));
    }

    private static INDArray row(DataType type, long length) {
        return zeros(type, length).reshape('c', new long[] {1, length});
    }

    /** [length], part of a slightly larger array. */
    private static INDArray zeros(DataType type, long length) {
        int spare = LINE / type.width();
        INDArray room = Nd4j.zeros(type, length + spare);
        // A device's memory needs nothing, and has no address on the host.
        long skip = Nd4j.getEnvironment().isCPU()
                ? (-room.data().addressPointer().address() & (LINE - 1)) / type.width()
                : 0;
        return room.get(NDArrayIndex.interval(skip, skip + length));
    }

    /** Frees what an array is part of, unless that was done; other arrays of it must not be used any more. */
    static void close(INDArray array) {
        DataBuffer whole = array.data().originalDataBuffer();
        if (whole == null) {
            whole = array.data();
        }
        if (whole.closeable()) {
            whole.close();
        }
    }
}
