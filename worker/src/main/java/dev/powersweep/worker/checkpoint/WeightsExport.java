package dev.powersweep.worker.checkpoint;

import dev.powersweep.worker.model.ParameterLayout;
import dev.powersweep.worker.model.ParameterLayout.Tensor;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.file.Path;
import java.util.List;

/**
 * Weights as NumPy's {@code .npz}: one array a tensor under its name in the layout, matrices {@code [inputs, outputs]}.
 * ND4J opens it with {@code Nd4j.createFromNpzFile}, Python with {@code numpy.load}.
 */
public final class WeightsExport {
    private WeightsExport() {}

    /**
     * Exports the parameters of a checkpoint.
     *
     * @throws CheckpointException when the checkpoint cannot be used or the target cannot be written
     */
    public static void ofCheckpoint(Path checkpoint, Path target) {
        CheckpointFile file = CheckpointFile.open(checkpoint);
        ParameterLayout layout = new ParameterLayout(file.header().cell().shape());
        // A position in a buffer is an int: 2 GB of parameters.
        ByteBuffer parameters = ByteBuffer.allocateDirect(Math.toIntExact(layout.length() * Float.BYTES));
        file.restore(file.header().cell(), layout, List.of(new Section(Section.PARAMETERS, parameters)));
        write(layout, parameters, target);
    }

    /**
     * Writes {@code .safetensors} where the target is called so, and {@code .npz} otherwise.
     *
     * @param parameters flat vector of the layout, little-endian single precision
     */
    public static void write(ParameterLayout layout, ByteBuffer parameters, Path target) {
        try {
            if (target.toString().endsWith(".safetensors")) {
                SafetensorsFile.write(layout, parameters, target);
                return;
            }
            NpzFile.write(
                    target,
                    layout.tensors().stream()
                            .map(tensor -> array(tensor, parameters))
                            .toList());
        } catch (IOException e) {
            throw CheckpointException.damaged(
                    "The weights cannot be written to " + target + ": " + e.getMessage()
                            + "; free space or give another file.",
                    e);
        }
    }

    private static NpzFile.Array array(Tensor tensor, ByteBuffer parameters) {
        return new NpzFile.Array(tensor.name(), "<f4", Float.BYTES, tensor.shape(), out -> {
            byte[] values = new byte[Math.toIntExact(tensor.length() * Float.BYTES)];
            parameters.get(Math.toIntExact(tensor.offset() * Float.BYTES), values);
            out.write(values);
        });
    }
}
