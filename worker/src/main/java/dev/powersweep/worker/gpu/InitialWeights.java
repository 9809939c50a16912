package dev.powersweep.worker.gpu;

import dev.powersweep.worker.cell.Cell;
import dev.powersweep.worker.model.ParameterLayout;
import dev.powersweep.worker.model.ParameterLayout.Role;
import dev.powersweep.worker.model.ParameterLayout.Tensor;
import dev.powersweep.worker.model.Parametrisation;
import dev.powersweep.worker.model.RandomStream;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.util.stream.IntStream;

/** A cell's parameters before its first step, the same bits as those of its Deeplearning4j network, without ND4J. */
final class InitialWeights {

    private InitialWeights() {}

    /** In the order of the layout. */
    static ByteBuffer of(Cell cell, ParameterLayout layout) {
        Parametrisation parametrisation = Parametrisation.of(cell.shape(), cell.training());
        ByteBuffer flat = ByteBuffer.allocate(Math.toIntExact(layout.length() * Float.BYTES))
                .order(ByteOrder.LITTLE_ENDIAN);
        int number = 0;
        for (Tensor tensor : layout.tensors()) {
            long key = RandomStream.key(cell.randomSeed(), "initial weights", number++, 0);
            double deviation = parametrisation.standardDeviation(tensor.role());
            float fill = tensor.role() == Role.GAIN ? 1 : 0;
            int first = Math.toIntExact(tensor.offset());
            IntStream.range(0, Math.toIntExact(tensor.length()))
                    .parallel()
                    .forEach(i -> flat.putFloat(
                            (first + i) * Float.BYTES,
                            deviation == 0 ? fill : (float) (deviation * RandomStream.normal(key, i))));
        }
        return flat;
    }
}
