package dev.powersweep.worker.train;

import dev.powersweep.worker.kernels.Kernels;
import dev.powersweep.worker.kernels.Span;
import dev.powersweep.worker.kernels.Write;
import dev.powersweep.worker.model.AlignedLayout;
import dev.powersweep.worker.model.ParameterLayout;
import dev.powersweep.worker.model.ParameterLayout.Tensor;
import java.util.List;

/**
 * Squared norms of gradients. A sum's last bits follow from its order, and a step table's from the sum's: it is taken in
 * the order of {@link AlignedLayout}, where a stored table's was. Where the gradients themselves lie so, nothing is copied.
 */
final class GradientSquares {

    private final Kernels kernels;
    private final List<Tensor> tensors;
    private final AlignedLayout aligned;
    /** {@code null} where no copies are needed. */
    private final Span part;

    private final Span total;
    private final double[] unused = new double[2];

    GradientSquares(Kernels kernels, ParameterLayout layout) {
        this.kernels = kernels;
        tensors = layout.tensors();
        aligned = new AlignedLayout(layout);
        part = aligned.isGapless() ? null : kernels.allocate(aligned.length());
        total = aligned.isGapless() ? null : kernels.allocate(aligned.length());
    }

    double of(Span gradients) {
        if (part == null) {
            return kernels.sumOfSquares(gradients);
        }
        tensors.forEach(tensor -> copy(in(gradients, tensor), aligned(part, tensor)));
        return kernels.sumOfSquares(part);
    }

    /** As {@link Kernels#accumulate}. */
    void accumulate(Span gradients, Span sum, Write write, double[] squares) {
        if (part == null) {
            kernels.accumulate(gradients, sum, write, squares);
            return;
        }
        tensors.forEach(tensor -> copy(in(gradients, tensor), aligned(part, tensor)));
        kernels.accumulate(part, total, write, squares);
        tensors.forEach(tensor -> copy(aligned(total, tensor), in(sum, tensor)));
    }

    private void copy(Span from, Span to) {
        kernels.accumulate(from, to, Write.REPLACE, unused);
    }

    private static Span in(Span flat, Tensor tensor) {
        return flat.part(tensor.offset(), tensor.length());
    }

    private Span aligned(Span flat, Tensor tensor) {
        return flat.part(aligned.offset(tensor), tensor.length());
    }
}
