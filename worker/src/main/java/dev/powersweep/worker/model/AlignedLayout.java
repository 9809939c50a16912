package dev.powersweep.worker.model;

import dev.powersweep.worker.model.ParameterLayout.Tensor;
import java.util.HashMap;
import java.util.Map;

/**
 * Where a layout's tensors lie when each begins at a multiple of {@value #ALIGNMENT} elements, with zeros in the gaps.
 *
 * <p>The trainer kept its vectors so before they became a network's. Checkpoints of that time are in this arrangement, and
 * sums over a gradient are still taken in its order, which their last bits follow from. Where all tensors are multiples of
 * {@value #ALIGNMENT}, as in every width of 16 and more by powers of two, it is the layout itself.
 */
public final class AlignedLayout {

    /** Elements; 64 bytes of single precision, one cache line and one widest vector. */
    private static final int ALIGNMENT = 16;

    private final Map<Tensor, Long> offsets = new HashMap<>();
    private final boolean gapless;
    private final long length;

    public AlignedLayout(ParameterLayout layout) {
        long end = 0;
        for (Tensor tensor : layout.tensors()) {
            offsets.put(tensor, end);
            end += (tensor.length() + ALIGNMENT - 1) / ALIGNMENT * ALIGNMENT;
        }
        length = end;
        gapless = length == layout.length();
    }

    /** First element of a tensor. */
    public long offset(Tensor tensor) {
        return offsets.get(tensor);
    }

    /** Elements, gaps included. */
    public long length() {
        return length;
    }

    /** Whether this is the layout itself. */
    public boolean isGapless() {
        return gapless;
    }
}
