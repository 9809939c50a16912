package dev.powersweep.worker.kernels.cpu;

import static org.bytedeco.openblas.global.openblas_nolapack.CblasNoTrans;
import static org.bytedeco.openblas.global.openblas_nolapack.CblasRowMajor;
import static org.bytedeco.openblas.global.openblas_nolapack.CblasTrans;
import static org.bytedeco.openblas.global.openblas_nolapack.cblas_sgemm;

import java.util.Locale;
import java.util.Optional;
import java.util.Set;
import org.bytedeco.openblas.global.openblas_nolapack;

/**
 * Row-major single-precision products on strided memory: small ones through the OpenBLAS that ND4J brings, large ones
 * through oneDNN.
 *
 * <p>OpenBLAS' AVX-512 cores have a path for products of at most 10⁶ multiplications that packs nothing; medium products
 * run faster when cut to that size, until their rows lie so far apart that they alias in the first-level cache. oneDNN
 * packs, and from there on is the faster one. Which way is taken follows from shapes, the process environment and the
 * libraries that are present, never from a timing, so that results are the same on every machine of a type.
 */
final class Blas {

    /** Environment variable that chooses OpenBLAS' core; read by OpenBLAS when it is loaded. */
    private static final String CORE_VARIABLE = "OPENBLAS_CORETYPE";

    private static final Set<String> CORES_WITH_SMALL_PATH = Set.of("skylakex", "cooperlake", "sapphirerapids");

    /** How large products are made. */
    enum Cut {
        WHOLE,
        BLOCKED
    }

    private final String core;
    private final Cut cut;
    private final Optional<OneDnn> oneDnn;
    private final Operand a = new Operand();
    private final Operand b = new Operand();
    private final Operand c = new Operand();

    Blas() {
        this(CORES_WITH_SMALL_PATH.contains(core().toLowerCase(Locale.ROOT)) ? Cut.BLOCKED : Cut.WHOLE, OneDnn.load());
    }

    /** @param oneDnn empty to leave all products to OpenBLAS */
    Blas(Cut cut, Optional<OneDnn> oneDnn) {
        this.cut = cut;
        this.oneDnn = oneDnn;
        OneThread.require();
        core = core();
    }

    String describe() {
        return "OpenBLAS " + (core.isEmpty() ? "own core choice" : core)
                + (cut == Cut.BLOCKED ? ", blocked" : ", whole")
                + oneDnn.map(large -> ", large products by " + large.describe()).orElse("");
    }

    /** Said once a process: JavaCPP looks for the library's files again at each call, for a millisecond. */
    private static final class OneThread {
        static {
            openblas_nolapack.blas_set_num_threads(1);
        }

        static void require() {
            // The class is initialised.
        }
    }

    private static String core() {
        return System.getenv().getOrDefault(CORE_VARIABLE, "");
    }

    /** {@code C[m, n] = alpha·A[m, k]·B[k, n] + beta·C} in one call. */
    void product(
            int m, int n, int k, float alpha, long aAt, int lda, long bAt, int ldb, float beta, long cAt, int ldc) {
        a.address(aAt);
        b.address(bAt);
        c.address(cAt);
        cblas_sgemm(CblasRowMajor, CblasNoTrans, CblasNoTrans, m, n, k, alpha, a, lda, b, ldb, beta, c, ldc);
    }

    /** {@code C[m, n] = alpha·A[k, m]ᵀ·B[k, n] + beta·C} in one call. */
    void productTransposed(
            int m, int n, int k, float alpha, long aAt, int lda, long bAt, int ldb, float beta, long cAt, int ldc) {
        a.address(aAt);
        b.address(bAt);
        c.address(cAt);
        cblas_sgemm(CblasRowMajor, CblasTrans, CblasNoTrans, m, n, k, alpha, a, lda, b, ldb, beta, c, ldc);
    }

    /** {@code Y[rows, outputs] = X[rows, inputs]·W[inputs, outputs]}, cut as suits the core. */
    void linear(long x, long w, long y, int rows, int inputs, int outputs) {
        if (large(inputs, outputs)) {
            oneDnn.get().product(rows, outputs, inputs, x, inputs, w, outputs, 0, y, outputs);
            return;
        }
        if (cut == Cut.WHOLE || outputs > MOST_COLUMNS) {
            product(rows, outputs, inputs, 1, x, inputs, w, outputs, 0, y, outputs);
            return;
        }
        Tile tile = inputs <= NARROW ? SHALLOW : DEEP;
        for (int k = 0; k < inputs; k += tile.depth) {
            int depth = Math.min(tile.depth, inputs - k);
            for (int j = 0; j < outputs; j += tile.columns) {
                int columns = Math.min(tile.columns, outputs - j);
                for (int i = 0; i < rows; i += tile.rows) {
                    product(
                            Math.min(tile.rows, rows - i),
                            columns,
                            depth,
                            1,
                            x + 4L * ((long) i * inputs + k),
                            inputs,
                            w + 4L * ((long) k * outputs + j),
                            outputs,
                            k == 0 ? 0 : 1,
                            y + 4L * ((long) i * outputs + j),
                            outputs);
                }
            }
        }
    }

    /** {@code dW[inputs, outputs] += X[rows, inputs]ᵀ·dY[rows, outputs]}, cut as suits the core. */
    void weightGradient(long x, long dy, long dw, int rows, int inputs, int outputs) {
        if (large(inputs, outputs)) {
            oneDnn.get().productTransposed(inputs, outputs, rows, x, inputs, dy, outputs, 1, dw, outputs);
            return;
        }
        if (cut == Cut.WHOLE || inputs > MOST_COLUMNS || outputs > MOST_COLUMNS) {
            productTransposed(inputs, outputs, rows, 1, x, inputs, dy, outputs, 1, dw, outputs);
            return;
        }
        Tile tile = Math.min(inputs, outputs) <= NARROW ? SQUARE : DEEP;
        for (int k = 0; k < rows; k += tile.depth) {
            int depth = Math.min(tile.depth, rows - k);
            for (int j = 0; j < outputs; j += tile.columns) {
                int columns = Math.min(tile.columns, outputs - j);
                for (int i = 0; i < inputs; i += tile.rows) {
                    productTransposed(
                            Math.min(tile.rows, inputs - i),
                            columns,
                            depth,
                            1,
                            x + 4L * ((long) k * inputs + i),
                            inputs,
                            dy + 4L * ((long) k * outputs + j),
                            outputs,
                            1,
                            dw + 4L * ((long) i * outputs + j),
                            outputs);
                }
            }
        }
    }

    /** What is oneDNN's; by measurement of whole training steps on Zen 4. */
    private boolean large(int inputs, int outputs) {
        return oneDnn.isPresent()
                && (Math.min(inputs, outputs) >= WIDE || (long) inputs * outputs > MOST_NARROW_WEIGHTS);
    }

    private static final int WIDE = 128;
    private static final int MOST_NARROW_WEIGHTS = 1 << 16;

    /** Without oneDNN. Rows further apart than this alias in the first-level cache; packing them is worth its time. */
    private static final int MOST_COLUMNS = 767;

    private static final int NARROW = 128;

    /** Part of a product, at most 10⁶ multiplications; shapes by measurement on Zen 4 and Zen 5. */
    private record Tile(int rows, int columns, int depth) {}

    private static final Tile SHALLOW = new Tile(64, 192, 64);
    private static final Tile SQUARE = new Tile(96, 96, 64);
    private static final Tile DEEP = new Tile(48, 64, 256);
}
