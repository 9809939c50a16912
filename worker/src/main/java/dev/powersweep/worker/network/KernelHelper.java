package dev.powersweep.worker.network;

import dev.powersweep.worker.kernels.KernelChoice;
import dev.powersweep.worker.kernels.Kernels;
import dev.powersweep.worker.kernels.Matrix;
import dev.powersweep.worker.kernels.Span;
import dev.powersweep.worker.kernels.nd4j.Nd4jKernels;
import java.util.HashMap;
import java.util.Map;
import org.deeplearning4j.nn.layers.LayerHelper;
import org.nd4j.linalg.api.buffer.DataType;

/**
 * The kernel set of one layer, as Deeplearning4j's layers have a helper of cuDNN or oneDNN: the fast CPU set for single
 * precision where this process carries it, the portable set otherwise and for double precision.
 */
final class KernelHelper implements LayerHelper, AutoCloseable {

    private final Kernels kernels;
    private long numbers;
    private final int numberBytes;

    KernelHelper(DataType type) {
        kernels = type == DataType.FLOAT ? KernelSets.open(KernelChoice.AUTOMATIC) : new Nd4jKernels(type);
        numberBytes = type.width();
    }

    Kernels kernels() {
        return kernels;
    }

    Span allocate(long length) {
        numbers += length;
        return kernels.allocate(length);
    }

    Matrix allocate(int rows, int columns) {
        return new Matrix(allocate((long) rows * columns), rows, columns);
    }

    @Override
    public Map<String, Long> helperMemoryUse() {
        return new HashMap<>(Map.of("working memory", numbers * numberBytes));
    }

    @Override
    public boolean checkSupported() {
        return true;
    }

    @Override
    public void close() {
        kernels.close();
    }
}
