package dev.powersweep.worker.kernels.cpu;

import static dev.powersweep.worker.kernels.cpu.Lanes.BYTES;
import static dev.powersweep.worker.kernels.cpu.Lanes.load;
import static dev.powersweep.worker.kernels.cpu.Lanes.store;

import dev.powersweep.worker.kernels.EmbeddingTables;
import dev.powersweep.worker.kernels.Matrix;
import dev.powersweep.worker.kernels.cpu.Lanes.Block;

/** Rows of the embedding tables. */
final class Embedding {

    private Embedding() {}

    static void forward(int[] tokens, int from, EmbeddingTables tables, Matrix embedded) {
        int width = embedded.columns();
        CpuSpan token = CpuKernels.data(tables.tokens());
        Matrix positions = tables.positions().orElse(null);
        CpuSpan position = positions == null ? null : CpuKernels.data(positions);
        CpuSpan out = CpuKernels.data(embedded);
        for (int row = 0; row < embedded.rows(); row++) {
            int at = token.at + 4 * tokens[from + row] * width;
            int outAt = out.at + 4 * row * width;
            if (position == null) {
                copy(token.block, at, out.block, outAt, width);
            } else {
                add(
                        token.block,
                        at,
                        position.block,
                        position.at + 4 * (row % positions.rows()) * width,
                        out.block,
                        outAt,
                        width);
            }
        }
    }

    static void backward(int[] tokens, int from, Matrix ofEmbedded, EmbeddingTables gradients) {
        int width = ofEmbedded.columns();
        CpuSpan dOut = CpuKernels.data(ofEmbedded);
        CpuSpan dToken = CpuKernels.data(gradients.tokens());
        Matrix positions = gradients.positions().orElse(null);
        CpuSpan dPosition = positions == null ? null : CpuKernels.data(positions);
        for (int row = 0; row < ofEmbedded.rows(); row++) {
            int at = dOut.at + 4 * row * width;
            int tokenAt = dToken.at + 4 * tokens[from + row] * width;
            add(dToken.block, tokenAt, dOut.block, at, dToken.block, tokenAt, width);
            if (dPosition != null) {
                int positionAt = dPosition.at + 4 * (row % positions.rows()) * width;
                add(dPosition.block, positionAt, dOut.block, at, dPosition.block, positionAt, width);
            }
        }
    }

    private static void copy(Block x, int xAt, Block to, int toAt, int length) {
        int end = Lanes.whole(length) * 4;
        for (int i = 0; i < end; i += BYTES) {
            store(load(x, xAt + i), to, toAt + i);
        }
        for (int i = end; i < 4 * length; i += 4) {
            to.put(toAt + i, x.get(xAt + i));
        }
    }

    private static void add(Block x, int xAt, Block y, int yAt, Block to, int toAt, int length) {
        int end = Lanes.whole(length) * 4;
        for (int i = 0; i < end; i += BYTES) {
            store(load(x, xAt + i).add(load(y, yAt + i)), to, toAt + i);
        }
        for (int i = end; i < 4 * length; i += 4) {
            to.put(toAt + i, x.get(xAt + i) + y.get(yAt + i));
        }
    }
}
