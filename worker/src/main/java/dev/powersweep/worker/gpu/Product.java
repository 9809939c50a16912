package dev.powersweep.worker.gpu;

import dev.powersweep.worker.cell.Precision;

/**
 * Products of matrices that lie at equal distances: {@code C = scale·op(A)·op(B) + keep·C} for each of a batch. All are
 * row-major; distances are in numbers, addresses in bytes.
 *
 * <p>Guarantees asked of a device: the result depends neither on the batch nor on what else runs, and is the same bits
 * every time.
 *
 * @param a A, [rows, inner], or [inner, rows] where transposed
 * @param b B, [inner, columns], or [columns, inner] where transposed
 * @param c C, [rows, columns], single precision or as A and B
 * @param batch how many
 * @param precision of A and B, and how they are multiplied
 * @param keep 0, and C is not read, or 1
 * @param beforeGelu where the result goes, while C gets its GELU in the tanh form; laid out as C, whose matrices follow each
 *     other without gaps; 0 for a product without it
 */
public record Product(
        Factor a,
        Factor b,
        Factor c,
        int rows,
        int columns,
        int inner,
        int batch,
        Precision precision,
        Result result,
        float scale,
        float keep,
        long beforeGelu) {

    public Product(
            Factor a,
            Factor b,
            Factor c,
            int rows,
            int columns,
            int inner,
            int batch,
            Precision precision,
            Result result,
            float scale,
            float keep) {
        this(a, b, c, rows, columns, inner, batch, precision, result, scale, keep, 0);
    }

    /** This product with its GELU in C. */
    Product withGelu(long before) {
        return new Product(a, b, c, rows, columns, inner, batch, precision, result, scale, keep, before);
    }

    /** Whether a matrix is read as it lies. */
    public enum Order {
        AS_IS,
        TRANSPOSED
    }

    /** What C consists of. */
    public enum Result {
        SINGLE,
        AS_FACTORS
    }

    /**
     * @param rowStride from one row to the next
     * @param batchStride from one matrix of the batch to the next
     */
    public record Factor(long address, long rowStride, long batchStride, Order order) {}
}
