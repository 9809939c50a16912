package dev.powersweep.worker.kernels.cpu;

import static org.bytedeco.openblas.global.openblas_nolapack.CblasNoTrans;
import static org.bytedeco.openblas.global.openblas_nolapack.CblasRowMajor;
import static org.bytedeco.openblas.global.openblas_nolapack.CblasTrans;
import static org.bytedeco.openblas.global.openblas_nolapack.cblas_sgemm;

import java.util.Locale;
import java.util.Set;
import org.bytedeco.javacpp.FloatPointer;
import org.bytedeco.javacpp.Loader;
import org.bytedeco.openblas.global.openblas_nolapack;

/**
 * Row-major single-precision products through the OpenBLAS that ND4J brings, on strided memory.
 *
 * <p>OpenBLAS' AVX-512 cores have a path for products of at most 10⁶ multiplications that packs nothing; medium products
 * run faster when cut to that size. Which way is taken follows from the process environment alone, never from a timing,
 * so that results are the same on every machine of a type.
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
    private final Operand a = new Operand();
    private final Operand b = new Operand();
    private final Operand c = new Operand();

    Blas() {
        this(CORES_WITH_SMALL_PATH.contains(core().toLowerCase(Locale.ROOT)) ? Cut.BLOCKED : Cut.WHOLE);
    }

    Blas(Cut cut) {
        this.cut = cut;
        Loader.load(openblas_nolapack.class);
        openblas_nolapack.blas_set_num_threads(1);
        core = core();
    }

    String describe() {
        return "OpenBLAS " + (core.isEmpty() ? "own core choice" : core)
                + (cut == Cut.BLOCKED ? ", blocked" : ", whole");
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
        if (cut == Cut.WHOLE || (long) inputs * outputs > LARGEST_BLOCKED) {
            product(rows, outputs, inputs, 1, x, inputs, w, outputs, 0, y, outputs);
            return;
        }
        for (int k = 0; k < inputs; k += LINEAR_DEPTH) {
            int depth = Math.min(LINEAR_DEPTH, inputs - k);
            for (int j = 0; j < outputs; j += LINEAR_COLUMNS) {
                int columns = Math.min(LINEAR_COLUMNS, outputs - j);
                for (int i = 0; i < rows; i += LINEAR_ROWS) {
                    product(
                            Math.min(LINEAR_ROWS, rows - i),
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
        if (cut == Cut.WHOLE || (long) inputs * outputs > LARGEST_BLOCKED) {
            productTransposed(inputs, outputs, rows, 1, x, inputs, dy, outputs, 1, dw, outputs);
            return;
        }
        for (int k = 0; k < rows; k += GRADIENT_DEPTH) {
            int depth = Math.min(GRADIENT_DEPTH, rows - k);
            for (int j = 0; j < outputs; j += GRADIENT_COLUMNS) {
                int columns = Math.min(GRADIENT_COLUMNS, outputs - j);
                for (int i = 0; i < inputs; i += GRADIENT_ROWS) {
                    productTransposed(
                            Math.min(GRADIENT_ROWS, inputs - i),
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

    private static final long LARGEST_BLOCKED = Long.getLong("g.large", 65536);
    private static final int LINEAR_ROWS = Integer.getInteger("g.lr", 64);
    private static final int LINEAR_COLUMNS = Integer.getInteger("g.lc", 64);
    private static final int LINEAR_DEPTH = Integer.getInteger("g.ld", 128);
    private static final int GRADIENT_ROWS = Integer.getInteger("g.gr", 48);
    private static final int GRADIENT_COLUMNS = Integer.getInteger("g.gc", 128);
    private static final int GRADIENT_DEPTH = Integer.getInteger("g.gd", 128);

    /** A pointer that is moved instead of made anew for each call. */
    private static final class Operand extends FloatPointer {
        Operand() {
            super((org.bytedeco.javacpp.Pointer) null);
        }

        void address(long at) {
            address = at;
        }
    }
}
