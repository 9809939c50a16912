package dev.powersweep.worker.kernels.cpu;

import java.util.Optional;
import org.apache.logging.log4j.LogManager;
import org.apache.logging.log4j.Logger;
import org.bytedeco.dnnl.global.dnnl;

/**
 * Row-major single-precision products by oneDNN, which makes its machine code for the processor it finds. It packs both
 * operands, so that rows far apart cost it nothing; OpenBLAS 0.3.19 loses an eighth of its speed there.
 */
final class OneDnn {

    private static final Logger LOG = LogManager.getLogger(OneDnn.class);

    private static final byte AS_IT_IS = 'N';
    private static final byte TRANSPOSED = 'T';

    private final Operand a = new Operand();
    private final Operand b = new Operand();
    private final Operand c = new Operand();

    private OneDnn() {}

    /** Empty where there is no oneDNN for this platform. */
    static Optional<OneDnn> load() {
        try {
            dnnl.dnnl_version();
            return Optional.of(new OneDnn());
        } catch (LinkageError absent) {
            // Another library rounds differently, so the provenance names it for comparisons bit by bit.
            LOG.warn("oneDNN is not to be had here ({}); OpenBLAS makes the large products", absent.getMessage());
            return Optional.empty();
        }
    }

    String describe() {
        return version();
    }

    /** Name and version. */
    static String version() {
        var version = dnnl.dnnl_version();
        return "oneDNN " + version.major() + "." + version.minor() + "." + version.patch();
    }

    /** {@code C[m, n] = A[m, k]·B[k, n] + beta·C}; operands are addresses in the process. */
    void product(int m, int n, int k, long aAt, int lda, long bAt, int ldb, float beta, long cAt, int ldc) {
        multiply(AS_IT_IS, m, n, k, aAt, lda, bAt, ldb, beta, cAt, ldc);
    }

    /** {@code C[m, n] = A[k, m]ᵀ·B[k, n] + beta·C}; operands are addresses in the process. */
    void productTransposed(int m, int n, int k, long aAt, int lda, long bAt, int ldb, float beta, long cAt, int ldc) {
        multiply(TRANSPOSED, m, n, k, aAt, lda, bAt, ldb, beta, cAt, ldc);
    }

    private void multiply(
            byte form, int m, int n, int k, long aAt, int lda, long bAt, int ldb, float beta, long cAt, int ldc) {
        a.address(aAt);
        b.address(bAt);
        c.address(cAt);
        check(dnnl.dnnl_sgemm(form, AS_IT_IS, m, n, k, 1, a, lda, b, ldb, beta, c, ldc));
    }

    /** @throws OutOfMemoryError where there was none for a product */
    static void check(int status) {
        if (status == dnnl.dnnl_out_of_memory) {
            throw new OutOfMemoryError("oneDNN found no memory for a product");
        }
        if (status != dnnl.dnnl_success) {
            throw new IllegalStateException("oneDNN refused a product with status " + status);
        }
    }
}
