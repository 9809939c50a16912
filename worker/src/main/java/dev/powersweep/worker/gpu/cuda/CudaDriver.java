package dev.powersweep.worker.gpu.cuda;

import com.sun.jna.Library;
import com.sun.jna.Pointer;
import com.sun.jna.ptr.IntByReference;
import com.sun.jna.ptr.LongByReference;
import com.sun.jna.ptr.PointerByReference;

/** What is used of libcuda.so.1, as NVIDIA's driver API has it. Every call answers a CUresult, 0 for success. */
interface CudaDriver extends Library {

    int COMPUTE_CAPABILITY_MAJOR = 75;
    int COMPUTE_CAPABILITY_MINOR = 76;
    int STREAM_NON_BLOCKING = 1;
    int EVENT_DISABLE_TIMING = 2;
    int CAPTURE_RELAXED = 2;
    int OUT_OF_MEMORY = 2;
    int NO_DEVICE = 100;

    int cuInit(int flags);

    int cuDriverGetVersion(IntByReference version);

    int cuGetErrorName(int code, PointerByReference name);

    int cuGetErrorString(int code, PointerByReference text);

    int cuDeviceGetCount(IntByReference count);

    int cuDeviceGet(IntByReference device, int ordinal);

    int cuDeviceGetName(byte[] name, int length, int device);

    int cuDeviceGetAttribute(IntByReference value, int attribute, int device);

    int cuDevicePrimaryCtxRetain(PointerByReference context, int device);

    int cuDevicePrimaryCtxRelease_v2(int device);

    int cuCtxSetCurrent(Pointer context);

    int cuMemGetInfo_v2(LongByReference free, LongByReference total);

    int cuMemAlloc_v2(LongByReference address, long bytes);

    int cuMemFree_v2(long address);

    int cuMemHostAlloc(PointerByReference memory, long bytes, int flags);

    int cuMemFreeHost(Pointer memory);

    int cuMemcpyHtoDAsync_v2(long to, Pointer from, long bytes, Pointer stream);

    int cuMemcpyDtoHAsync_v2(Pointer to, long from, long bytes, Pointer stream);

    int cuMemsetD8Async(long address, byte value, long count, Pointer stream);

    int cuStreamCreate(PointerByReference stream, int flags);

    int cuStreamDestroy_v2(Pointer stream);

    int cuStreamSynchronize(Pointer stream);

    int cuEventCreate(PointerByReference event, int flags);

    int cuEventDestroy_v2(Pointer event);

    int cuEventRecord(Pointer event, Pointer stream);

    int cuEventSynchronize(Pointer event);

    int cuStreamWaitEvent(Pointer stream, Pointer event, int flags);

    int cuModuleLoadData(PointerByReference module, byte[] image);

    int cuModuleUnload(Pointer module);

    int cuModuleGetFunction(PointerByReference function, Pointer module, String name);

    int cuLaunchKernel(
            Pointer function,
            int gridX,
            int gridY,
            int gridZ,
            int blockX,
            int blockY,
            int blockZ,
            int sharedBytes,
            Pointer stream,
            Pointer parameters,
            Pointer extra);

    int cuStreamBeginCapture_v2(Pointer stream, int mode);

    int cuStreamEndCapture(Pointer stream, PointerByReference graph);

    int cuGraphInstantiateWithFlags(PointerByReference executable, Pointer graph, long flags);

    int cuGraphDestroy(Pointer graph);

    int cuGraphLaunch(Pointer executable, Pointer stream);

    int cuGraphExecDestroy(Pointer executable);
}
