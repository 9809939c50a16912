package dev.powersweep.worker.gpu.cuda;

import com.sun.jna.Library;
import com.sun.jna.Memory;
import com.sun.jna.Pointer;
import com.sun.jna.ptr.IntByReference;
import com.sun.jna.ptr.PointerByReference;

/** What is used of libcublasLt. Every call answers a cublasStatus, 0 for success. */
interface CublasLt extends Library {

    int REAL_FLOAT32 = 0;
    int REAL_BFLOAT16 = 14;
    int COMPUTE_FLOAT32 = 68;
    int COMPUTE_TF32 = 77;
    int TRANSPOSE_A = 3;
    int TRANSPOSE_B = 4;
    int EPILOGUE = 7;
    int EPILOGUE_GELU_AUX = 160;
    int AUX_ADDRESS = 11;
    int AUX_STRIDE = 12;
    int AUX_BATCH_STRIDE = 13;
    int BATCH_COUNT = 5;
    int BATCH_STRIDE = 6;
    int WORKSPACE_BYTES = 1;
    int REDUCTION_SCHEMES = 3;
    int ALIGNMENT_A = 5;

    /** Of cublasLtMatmulHeuristicResult: an algorithm of 64 bytes, its workspace, and 24 bytes more. */
    int RESULT_BYTES = 96;

    int ALGORITHM_BYTES = 64;

    long cublasLtGetVersion();

    int cublasLtCreate(PointerByReference handle);

    int cublasLtDestroy(Pointer handle);

    int cublasLtMatmulDescCreate(PointerByReference description, int computeType, int scaleType);

    int cublasLtMatmulDescDestroy(Pointer description);

    int cublasLtMatmulDescSetAttribute(Pointer description, int attribute, Pointer value, long bytes);

    int cublasLtMatrixLayoutCreate(PointerByReference layout, int type, long rows, long columns, long stride);

    int cublasLtMatrixLayoutDestroy(Pointer layout);

    int cublasLtMatrixLayoutSetAttribute(Pointer layout, int attribute, Pointer value, long bytes);

    int cublasLtMatmulPreferenceCreate(PointerByReference preference);

    int cublasLtMatmulPreferenceDestroy(Pointer preference);

    int cublasLtMatmulPreferenceSetAttribute(Pointer preference, int attribute, Pointer value, long bytes);

    int cublasLtMatmulAlgoGetHeuristic(
            Pointer handle,
            Pointer description,
            Pointer a,
            Pointer b,
            Pointer c,
            Pointer d,
            Pointer preference,
            int wanted,
            Pointer results,
            IntByReference count);

    int cublasLtMatmul(
            Pointer handle,
            Pointer description,
            Pointer alpha,
            long a,
            Pointer aLayout,
            long b,
            Pointer bLayout,
            Pointer beta,
            long c,
            Pointer cLayout,
            long d,
            Pointer dLayout,
            Pointer algorithm,
            long workspace,
            long workspaceBytes,
            Pointer stream);

    static Memory number(int value) {
        Memory memory = new Memory(Integer.BYTES);
        memory.setInt(0, value);
        return memory;
    }

    static Memory number(long value) {
        Memory memory = new Memory(Long.BYTES);
        memory.setLong(0, value);
        return memory;
    }
}
