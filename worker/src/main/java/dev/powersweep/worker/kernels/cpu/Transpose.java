package dev.powersweep.worker.kernels.cpu;

import dev.powersweep.worker.kernels.cpu.Lanes.Block;

/** Out-of-place transposition in tiles that stay in the first-level cache, two rows and two columns at a time. */
final class Transpose {

    private static final int TILE = 16;
    private static final long LOW = 0xffffffffL;

    private Transpose() {}

    /** {@code to[columns, toStride] = from[rows, fromStride]ᵀ}; places in bytes, strides in elements. */
    static void transpose(
            Block from, int fromAt, int fromStride, int rows, int columns, Block to, int toAt, int toStride) {
        int pairedRows = rows & -2;
        int pairedColumns = columns & -2;
        for (int row = 0; row < pairedRows; row += TILE) {
            int count = Math.min(TILE, pairedRows - row);
            for (int column = 0; column < pairedColumns; column += 2) {
                twoColumns(
                        from,
                        fromAt + 4 * (row * fromStride + column),
                        4 * fromStride,
                        to,
                        toAt + 4 * (column * toStride + row),
                        4 * toStride,
                        count);
            }
        }
        for (int row = 0; row < rows; row++) {
            for (int column = row < pairedRows ? pairedColumns : 0; column < columns; column++) {
                to.put(toAt + 4 * (column * toStride + row), from.get(fromAt + 4 * (row * fromStride + column)));
            }
        }
    }

    /** Strides in bytes; {@code rows} is even. */
    private static void twoColumns(
            Block from, int source, int fromStride, Block to, int target, int toStride, int rows) {
        int at = source;
        for (int row = 0; row < rows; row += 2) {
            long first = from.getTwo(at);
            long second = from.getTwo(at + fromStride);
            to.putTwo(target + 4 * row, first & LOW | second << 32);
            to.putTwo(target + toStride + 4 * row, first >>> 32 | second & ~LOW);
            at += 2 * fromStride;
        }
    }
}
