package dev.powersweep.worker.kernels;

/**
 * A row-major matrix without gaps, at the beginning of a span.
 *
 * @param data at least rows·columns numbers
 */
public record Matrix(Span data, int rows, int columns) {

    /** @throws IllegalArgumentException when {@code data} has no room for it */
    public Matrix {
        if (rows < 0 || columns < 0 || (long) rows * columns > data.length()) {
            throw new IllegalArgumentException(
                    "a matrix [" + rows + ", " + columns + "] in a span of " + data.length() + " numbers");
        }
    }

    /**
     * Its first rows; itself when they are all.
     *
     * @throws IllegalArgumentException when it has no room for so many
     */
    public Matrix first(int count) {
        return count == rows ? this : new Matrix(data, count, columns);
    }

    /** Numbers in it. */
    public int length() {
        return Math.multiplyExact(rows, columns);
    }

    /**
     * What a kernel asks of each operand before it computes addresses.
     *
     * @return itself
     * @throws IllegalArgumentException when its shape is another one
     */
    public Matrix expect(int expectedRows, int expectedColumns) {
        if (rows != expectedRows || columns != expectedColumns) {
            throw new IllegalArgumentException("a matrix [" + rows + ", " + columns + "] where [" + expectedRows + ", "
                    + expectedColumns + "] is needed");
        }
        return this;
    }
}
