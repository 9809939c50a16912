package dev.powersweep.worker.gpu;

import dev.powersweep.worker.cell.MicroBatches;
import dev.powersweep.worker.cell.ModelShape;
import dev.powersweep.worker.cell.Precision;

/**
 * Sizes of a group of cells that share every launch.
 *
 * <p>A slice is one micro-batch of one cell, slice = cell·parts + part. A pass takes some sequences of every slice.
 *
 * @param cells how many, of one model shape and batch
 * @param parts micro-batches of a batch
 * @param passes of a micro-batch
 * @param passSequences of one slice in one pass
 * @param mostLogits single-precision numbers that the logits of one cell may take; more are made in turns
 */
record GroupShape(
        ModelShape model, Precision precision, int cells, int parts, int passes, int passSequences, long mostLogits) {

    GroupShape {
        int headWidth = model.width() / model.heads();
        if (headWidth > KernelSources.WIDEST_HEAD) {
            throw new IllegalArgumentException("model.heads = " + model.heads() + " with model.width = " + model.width()
                    + " makes heads of width " + headWidth + "; on a GPU they have at most "
                    + KernelSources.WIDEST_HEAD + ", so take more heads");
        }
    }

    static GroupShape of(ModelShape model, Precision precision, int cells, MicroBatches batches, long mostLogits) {
        return new GroupShape(
                model,
                precision,
                cells,
                batches.count(),
                batches.sequences() / batches.passSequences(),
                batches.passSequences(),
                mostLogits);
    }

    /** The same for another number of cells. */
    GroupShape of(int count) {
        return new GroupShape(model, precision, count, parts, passes, passSequences, mostLogits);
    }

    int slices() {
        return cells * parts;
    }

    /** Tokens of one slice in one pass. */
    int rows() {
        return passSequences * model.context();
    }

    /** Tokens of one cell in one pass. */
    int cellRows() {
        return parts * rows();
    }

    /** Tokens of all cells in one pass. */
    long allRows() {
        return (long) cells * cellRows();
    }

    /** Tokens of one micro-batch. */
    int partRows() {
        return passes * rows();
    }

    int batchSequences() {
        return parts * passes * passSequences;
    }

    long batchTokens() {
        return (long) batchSequences() * model.context();
    }

    int headWidth() {
        return model.width() / model.heads();
    }

    boolean flash() {
        return KernelSources.flash(precision, headWidth());
    }

    /** Rows of a cell whose logits are made at once: all of a pass, or a divisor of a slice's. */
    int logitRows() {
        if (cellRows() * (long) model.vocabulary() <= mostLogits) {
            return cellRows();
        }
        int count = (int) Math.min(rows(), Math.max(1, mostLogits / model.vocabulary()));
        while (rows() % count != 0) {
            count--;
        }
        return count;
    }
}
