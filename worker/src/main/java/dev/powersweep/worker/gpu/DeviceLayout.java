package dev.powersweep.worker.gpu;

import dev.powersweep.worker.model.AlignedLayout;
import dev.powersweep.worker.model.ParameterLayout;
import dev.powersweep.worker.model.ParameterLayout.Role;
import dev.powersweep.worker.model.ParameterLayout.Tensor;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;

/**
 * Where a cell's parameters lie on a device: each tensor at a multiple of 16 numbers, so that rows can be moved 16 bytes at
 * a time in either precision, with zeros in the gaps. Checkpoints keep {@link ParameterLayout}'s order; tensors are moved
 * one by one.
 */
final class DeviceLayout {

    /** Numbers that one block of the update takes (optimiser.cu). */
    static final int UPDATE_BLOCK = 2048;

    /** A stretch of one tensor: offset, length, rule. */
    static final int STRETCH_BYTES = Long.BYTES + 2 * Integer.BYTES;

    private static final int HIDDEN = 1;
    private static final int DECAYED = 2;

    private final ParameterLayout layout;
    private final AlignedLayout aligned;

    DeviceLayout(ParameterLayout layout) {
        this.layout = layout;
        aligned = new AlignedLayout(layout);
    }

    /** Numbers from one cell's parameters to the next cell's. */
    long stride() {
        return aligned.length();
    }

    /** First number of a tensor; −1 for one that is not there. */
    long offset(Tensor tensor) {
        return tensor == null ? -1 : aligned.offset(tensor);
    }

    /** All tensors cut into stretches of at most {@value #UPDATE_BLOCK} numbers, with what the update does to each. */
    ByteBuffer stretches() {
        long count = 0;
        for (Tensor tensor : layout.tensors()) {
            count += Grid.blocks(tensor.length(), UPDATE_BLOCK);
        }
        ByteBuffer table =
                ByteBuffer.allocate(Math.toIntExact(count * STRETCH_BYTES)).order(ByteOrder.LITTLE_ENDIAN);
        for (Tensor tensor : layout.tensors()) {
            boolean hidden = tensor.role() == Role.HIDDEN || tensor.role() == Role.RESIDUAL_PROJECTION;
            int rule = (hidden ? HIDDEN : 0) | (tensor.decayed() ? DECAYED : 0);
            for (long from = 0; from < tensor.length(); from += UPDATE_BLOCK) {
                table.putLong(aligned.offset(tensor) + from);
                table.putInt((int) Math.min(UPDATE_BLOCK, tensor.length() - from));
                table.putInt(rule);
            }
        }
        return table.flip();
    }

    /** A flat vector in {@link ParameterLayout}'s order, as it lies on the device. */
    ByteBuffer toDevice(ByteBuffer flat) {
        ByteBuffer spread =
                ByteBuffer.allocate(Math.toIntExact(stride() * Float.BYTES)).order(ByteOrder.LITTLE_ENDIAN);
        for (Tensor tensor : layout.tensors()) {
            spread.put(
                    bytes(aligned.offset(tensor)),
                    flat,
                    flat.position() + bytes(tensor.offset()),
                    bytes(tensor.length()));
        }
        return spread;
    }

    /** The reverse of {@link #toDevice}. */
    ByteBuffer fromDevice(ByteBuffer spread) {
        ByteBuffer flat = ByteBuffer.allocate(bytes(layout.length())).order(ByteOrder.LITTLE_ENDIAN);
        for (Tensor tensor : layout.tensors()) {
            flat.put(bytes(tensor.offset()), spread, bytes(aligned.offset(tensor)), bytes(tensor.length()));
        }
        return flat;
    }

    private static int bytes(long numbers) {
        return Math.toIntExact(numbers * Float.BYTES);
    }
}
