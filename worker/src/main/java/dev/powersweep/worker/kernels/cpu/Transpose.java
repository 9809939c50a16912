package dev.powersweep.worker.kernels.cpu;

import dev.powersweep.worker.kernels.cpu.Lanes.Block;

/** Out-of-place transposition in tiles that stay in the first-level cache. */
final class Transpose {

    private static final int TILE = 16;

    private Transpose() {}

    /** {@code to[columns, toStride] = from[rows, fromStride]ᵀ}; places in bytes, strides in elements. */
    static void transpose(
            Block from, int fromAt, int fromStride, int rows, int columns, Block to, int toAt, int toStride) {
        for (int r = 0; r < rows; r += TILE) {
            int rowEnd = Math.min(rows, r + TILE);
            for (int c = 0; c < columns; c += TILE) {
                int columnEnd = Math.min(columns, c + TILE);
                for (int column = c; column < columnEnd; column++) {
                    int source = fromAt + 4 * (r * fromStride + column);
                    int target = toAt + 4 * (column * toStride + r);
                    for (int row = r; row < rowEnd; row++) {
                        to.put(target, from.get(source));
                        source += 4 * fromStride;
                        target += 4;
                    }
                }
            }
        }
    }
}
