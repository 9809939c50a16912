package dev.powersweep.worker.gpu.cuda;

import com.sun.jna.Memory;
import com.sun.jna.Pointer;
import com.sun.jna.ptr.IntByReference;
import com.sun.jna.ptr.PointerByReference;
import dev.powersweep.worker.cell.Precision;
import dev.powersweep.worker.gpu.Product;
import dev.powersweep.worker.gpu.Product.Factor;
import dev.powersweep.worker.gpu.Product.Order;
import dev.powersweep.worker.gpu.Product.Result;
import dev.powersweep.worker.gpu.cuda.CudaException.Kind;
import java.util.HashMap;
import java.util.Map;

/**
 * Products by cuBLASLt. Each kind of product is given one algorithm, whatever its batch: the library's first choice for as
 * many of them as fill a card, at most {@value #MOST_PLANNED}, among those that do not split the inner dimension. So a
 * product's bits do not depend on how many others share its launch.
 *
 * <p>cuBLASLt is column-major: it makes the transposed result of the factors in the other order.
 */
final class ProductPlans implements AutoCloseable {

    private static final int MOST_PLANNED = 16;
    /** Numbers of results that fill a card. */
    private static final long FULL = 1L << 22;

    private static final long WORKSPACE = 32L << 20;
    /** Addresses and distances that are multiples of more are as good as this. */
    private static final long MOST_ALIGNMENT = 16;

    private final CublasLt cublas;
    private final Pointer handle;
    private final Memory factors = new Memory(2 * Float.BYTES);
    private final Map<Product, Memory> algorithms = new HashMap<>();
    private final Map<Product, Plan> plans = new HashMap<>();

    private record Plan(Pointer description, Pointer a, Pointer b, Pointer c, Memory algorithm) {}

    ProductPlans(CublasLt cublas) {
        this.cublas = cublas;
        PointerByReference reference = new PointerByReference();
        check(cublas.cublasLtCreate(reference), "cublasLtCreate");
        handle = reference.getValue();
    }

    static long workspaceBytes() {
        return WORKSPACE;
    }

    /**
     * Queues a product.
     *
     * @param workspace address of {@link #workspaceBytes} bytes that nothing else uses until the stream is done with it
     * @return whether there is an algorithm for it; nothing is queued where there is none with GELU
     */
    boolean multiply(Product product, Pointer stream, long workspace) {
        Plan plan = plans.computeIfAbsent(kind(product), this::plan);
        if (plan.algorithm == null) {
            return false;
        }
        if (product.beforeGelu() != 0) {
            describe(plan.description, CublasLt.AUX_ADDRESS, CublasLt.number(product.beforeGelu()), Long.BYTES);
        }
        factors.setFloat(0, product.scale());
        factors.setFloat(Float.BYTES, product.keep());
        long c = product.c().address();
        check(
                cublas.cublasLtMatmul(
                        handle,
                        plan.description,
                        factors,
                        product.b().address(),
                        plan.a,
                        product.a().address(),
                        plan.b,
                        factors.share(Float.BYTES),
                        c,
                        plan.c,
                        c,
                        plan.c,
                        plan.algorithm,
                        workspace,
                        WORKSPACE,
                        stream),
                "cublasLtMatmul of " + product);
        return true;
    }

    /** A product with the alignment of its addresses in their place. */
    private static Product kind(Product p) {
        int number = p.precision() == Precision.BFLOAT16 ? Short.BYTES : Float.BYTES;
        int ofResult = p.result() == Result.SINGLE ? Float.BYTES : number;
        return new Product(
                aligned(p.a(), number),
                aligned(p.b(), number),
                aligned(p.c(), ofResult),
                p.rows(),
                p.columns(),
                p.inner(),
                p.batch(),
                p.precision(),
                p.result(),
                p.scale(),
                p.keep(),
                p.beforeGelu() == 0 ? 0 : MOST_ALIGNMENT);
    }

    private static Factor aligned(Factor factor, int number) {
        long all = factor.address() | factor.rowStride() * number | factor.batchStride() * number | MOST_ALIGNMENT;
        return new Factor(Long.lowestOneBit(all), factor.rowStride(), factor.batchStride(), factor.order());
    }

    private Plan plan(Product p) {
        Pointer description = description(p);
        Memory algorithm = algorithms.computeIfAbsent(
                new Product(
                        p.a(),
                        p.b(),
                        p.c(),
                        p.rows(),
                        p.columns(),
                        p.inner(),
                        plannedBatch(p),
                        p.precision(),
                        p.result(),
                        p.scale(),
                        p.keep(),
                        p.beforeGelu()),
                planned -> algorithm(description, planned));
        return new Plan(
                description,
                layout(p.b(), type(p), p.inner(), p.columns(), p.batch()),
                layout(p.a(), type(p), p.rows(), p.inner(), p.batch()),
                layout(p.c(), resultType(p), p.rows(), p.columns(), p.batch()),
                algorithm);
    }

    private static int plannedBatch(Product p) {
        return (int) Math.max(1, Math.min(MOST_PLANNED, FULL / ((long) p.rows() * p.columns())));
    }

    private Pointer description(Product p) {
        PointerByReference reference = new PointerByReference();
        int compute = p.precision() == Precision.TF32 ? CublasLt.COMPUTE_TF32 : CublasLt.COMPUTE_FLOAT32;
        check(cublas.cublasLtMatmulDescCreate(reference, compute, CublasLt.REAL_FLOAT32), "cublasLtMatmulDescCreate");
        Pointer description = reference.getValue();
        describe(description, CublasLt.TRANSPOSE_A, transposed(p.b()), Integer.BYTES);
        describe(description, CublasLt.TRANSPOSE_B, transposed(p.a()), Integer.BYTES);
        if (p.beforeGelu() != 0) {
            describe(description, CublasLt.EPILOGUE, CublasLt.number(CublasLt.EPILOGUE_GELU_AUX), Integer.BYTES);
            describe(description, CublasLt.AUX_ADDRESS, CublasLt.number(p.beforeGelu()), Long.BYTES);
            describe(description, CublasLt.AUX_STRIDE, CublasLt.number(p.c().rowStride()), Long.BYTES);
            describe(description, CublasLt.AUX_BATCH_STRIDE, CublasLt.number(p.c().batchStride()), Long.BYTES);
        }
        return description;
    }

    private static Memory transposed(Factor factor) {
        return CublasLt.number(factor.order() == Order.TRANSPOSED ? 1 : 0);
    }

    private void describe(Pointer description, int attribute, Memory value, int bytes) {
        check(
                cublas.cublasLtMatmulDescSetAttribute(description, attribute, value, bytes),
                "cublasLtMatmulDescSetAttribute");
    }

    /** Null where there is none that makes GELU, too. */
    private Memory algorithm(Pointer description, Product p) {
        Pointer a = layout(p.b(), type(p), p.inner(), p.columns(), p.batch());
        Pointer b = layout(p.a(), type(p), p.rows(), p.inner(), p.batch());
        Pointer c = layout(p.c(), resultType(p), p.rows(), p.columns(), p.batch());
        PointerByReference reference = new PointerByReference();
        check(cublas.cublasLtMatmulPreferenceCreate(reference), "cublasLtMatmulPreferenceCreate");
        Pointer preference = reference.getValue();
        try {
            prefer(preference, CublasLt.WORKSPACE_BYTES, CublasLt.number(WORKSPACE), Long.BYTES);
            prefer(preference, CublasLt.REDUCTION_SCHEMES, CublasLt.number(0), Integer.BYTES);
            Factor[] inOrder = {p.b(), p.a(), p.c(), p.c()};
            for (int i = 0; i < inOrder.length; i++) {
                Memory alignment = CublasLt.number((int) inOrder[i].address());
                prefer(preference, CublasLt.ALIGNMENT_A + i, alignment, Integer.BYTES);
            }
            Memory result = new Memory(CublasLt.RESULT_BYTES);
            IntByReference count = new IntByReference();
            int code = cublas.cublasLtMatmulAlgoGetHeuristic(
                    handle, description, a, b, c, c, preference, 1, result, count);
            if ((code != 0 || count.getValue() == 0) && p.beforeGelu() != 0) {
                return null;
            }
            if (code != 0 || count.getValue() == 0) {
                throw new CudaException(
                        Kind.UNSUPPORTED, "cuBLASLt has no algorithm for " + p + " (status " + code + ")");
            }
            Memory algorithm = new Memory(CublasLt.ALGORITHM_BYTES);
            algorithm.write(0, result.getByteArray(0, CublasLt.ALGORITHM_BYTES), 0, CublasLt.ALGORITHM_BYTES);
            return algorithm;
        } finally {
            cublas.cublasLtMatmulPreferenceDestroy(preference);
            cublas.cublasLtMatrixLayoutDestroy(a);
            cublas.cublasLtMatrixLayoutDestroy(b);
            cublas.cublasLtMatrixLayoutDestroy(c);
        }
    }

    private void prefer(Pointer preference, int attribute, Memory value, int bytes) {
        check(
                cublas.cublasLtMatmulPreferenceSetAttribute(preference, attribute, value, bytes),
                "cublasLtMatmulPreferenceSetAttribute");
    }

    /** A row-major matrix, [rows, columns] as the product reads it, is a column-major one with its sides exchanged. */
    private Pointer layout(Factor factor, int type, int rows, int columns, int batch) {
        boolean asItLies = factor.order() == Order.AS_IS;
        PointerByReference reference = new PointerByReference();
        check(
                cublas.cublasLtMatrixLayoutCreate(
                        reference, type, asItLies ? columns : rows, asItLies ? rows : columns, factor.rowStride()),
                "cublasLtMatrixLayoutCreate");
        Pointer layout = reference.getValue();
        set(layout, CublasLt.BATCH_COUNT, CublasLt.number(batch), Integer.BYTES);
        set(layout, CublasLt.BATCH_STRIDE, CublasLt.number(factor.batchStride()), Long.BYTES);
        return layout;
    }

    private void set(Pointer layout, int attribute, Memory value, int bytes) {
        check(
                cublas.cublasLtMatrixLayoutSetAttribute(layout, attribute, value, bytes),
                "cublasLtMatrixLayoutSetAttribute");
    }

    private static int type(Product p) {
        return p.precision() == Precision.BFLOAT16 ? CublasLt.REAL_BFLOAT16 : CublasLt.REAL_FLOAT32;
    }

    private static int resultType(Product p) {
        return p.result() == Result.SINGLE ? CublasLt.REAL_FLOAT32 : type(p);
    }

    private static void check(int code, String call) {
        if (code != 0) {
            throw new CudaException(Kind.FAILED, call + " failed with cuBLAS status " + code);
        }
    }

    @Override
    public void close() {
        for (Plan plan : plans.values()) {
            cublas.cublasLtMatmulDescDestroy(plan.description);
            cublas.cublasLtMatrixLayoutDestroy(plan.a);
            cublas.cublasLtMatrixLayoutDestroy(plan.b);
            cublas.cublasLtMatrixLayoutDestroy(plan.c);
        }
        plans.clear();
        cublas.cublasLtDestroy(handle);
    }
}
