package dev.powersweep.worker.gpu.cuda;

import com.sun.jna.Memory;
import com.sun.jna.Pointer;
import com.sun.jna.ptr.IntByReference;
import com.sun.jna.ptr.LongByReference;
import com.sun.jna.ptr.PointerByReference;
import dev.powersweep.worker.cell.Precision;
import dev.powersweep.worker.gpu.Device;
import dev.powersweep.worker.gpu.Grid;
import dev.powersweep.worker.gpu.KernelSources;
import dev.powersweep.worker.gpu.Product;
import dev.powersweep.worker.gpu.Product.Factor;
import dev.powersweep.worker.gpu.cuda.CudaException.Kind;
import java.nio.ByteBuffer;
import java.nio.charset.StandardCharsets;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Collection;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.stream.Collectors;

/**
 * One NVIDIA card of compute capability 7.5 or later: kernels compiled by NVRTC for it, products by cuBLASLt, captured
 * work as CUDA graphs. All calls have to come from the thread that opened it.
 */
public final class CudaDevice implements Device {

    /** Ampere, the first whose tensor cores take tf32 and bfloat16. */
    private static final int FIRST_OF_SHORT_FACTORS = 80;

    private static final int OLDEST_CAPABILITY = 75;
    private static final int GELU_THREADS = 256;

    private final CudaDriver driver;
    private final int card;
    private final String name;
    private final int capability;
    /** What is queued goes here, and between {@link #beside} and {@link #join} there, too. */
    private final Stream main;

    private final Stream side;
    private Stream stream;
    private final Cubins cubins;
    private final CublasLt cublasLt;
    private final ProductPlans products;
    private final Staging staging;
    private final Map<Long, Long> allocations = new HashMap<>();
    private final Map<KernelSources.Unit, Pointer> modules = new HashMap<>();
    private final Map<String, Pointer> kernels = new HashMap<>();
    private final List<Pointer> graphs = new ArrayList<>();
    private boolean apart;
    private Memory parameters = new Memory(1);
    private long taken;

    /**
     * @param reached recorded where another stream has to wait for this one
     * @param workspace of its products
     */
    private record Stream(Pointer handle, Pointer reached, long workspace) {}

    private CudaDevice(CudaDriver driver, int ordinal, Optional<Path> cubinFolder) {
        this.driver = driver;
        IntByReference number = new IntByReference();
        check(driver.cuDeviceGet(number, ordinal), "cuDeviceGet");
        int device = number.getValue();
        card = device;
        byte[] text = new byte[256];
        check(driver.cuDeviceGetName(text, text.length, device), "cuDeviceGetName");
        name = new String(text, StandardCharsets.UTF_8).replace("\0", "").strip();
        capability = 10 * attribute(device, CudaDriver.COMPUTE_CAPABILITY_MAJOR)
                + attribute(device, CudaDriver.COMPUTE_CAPABILITY_MINOR);
        if (capability < OLDEST_CAPABILITY) {
            throw new CudaException(
                    Kind.UNSUPPORTED,
                    name + " has compute capability " + dotted(capability) + "; the kernels need at least "
                            + dotted(OLDEST_CAPABILITY) + ", so train on another card or on CPUs");
        }
        PointerByReference context = new PointerByReference();
        check(driver.cuDevicePrimaryCtxRetain(context, device), "cuDevicePrimaryCtxRetain");
        check(driver.cuCtxSetCurrent(context.getValue()), "cuCtxSetCurrent");
        cubins = new Cubins(CudaLibraries::nvrtc, "sm_" + capability, cubinFolder);
        cublasLt = CudaLibraries.cublasLt();
        products = new ProductPlans(cublasLt);
        main = stream();
        side = stream();
        stream = main;
        staging = new Staging(driver, main.handle);
    }

    private Stream stream() {
        PointerByReference handle = new PointerByReference();
        check(driver.cuStreamCreate(handle, CudaDriver.STREAM_NON_BLOCKING), "cuStreamCreate");
        PointerByReference event = new PointerByReference();
        check(driver.cuEventCreate(event, CudaDriver.EVENT_DISABLE_TIMING), "cuEventCreate");
        return new Stream(handle.getValue(), event.getValue(), allocate(ProductPlans.workspaceBytes()));
    }

    /**
     * Opens a card.
     *
     * @param ordinal from 0, among those that the process may see
     * @param cubinFolder where machine code is kept from one process to the next
     * @throws CudaException when the host lacks a driver, a card or a library that fits, in one sentence
     */
    public static CudaDevice open(int ordinal, Optional<Path> cubinFolder) {
        CudaDriver driver = CudaLibraries.driver();
        int code = driver.cuInit(0);
        IntByReference count = new IntByReference();
        if (code == 0) {
            code = driver.cuDeviceGetCount(count);
        }
        if (code != 0 || count.getValue() <= ordinal) {
            throw new CudaException(
                    Kind.UNSUPPORTED,
                    code != 0 && code != CudaDriver.NO_DEVICE
                            ? "the NVIDIA driver of this host does not start (" + text(driver, code) + ")"
                            : "this process sees " + count.getValue() + " NVIDIA cards and card " + ordinal
                                    + " was asked for; see CUDA_VISIBLE_DEVICES and nvidia-smi");
        }
        return new CudaDevice(driver, ordinal, cubinFolder);
    }

    @Override
    public String describe() {
        IntByReference version = new IntByReference();
        check(driver.cuDriverGetVersion(version), "cuDriverGetVersion");
        int cuda = version.getValue();
        return name + " (compute capability " + dotted(capability) + ", the driver's CUDA " + cuda / 1000 + "."
                + cuda % 1000 / 10 + ", cuBLASLt " + cublasLt.cublasLtGetVersion() + ")";
    }

    /** Ten times the major number, plus the minor one. */
    public int capability() {
        return capability;
    }

    @Override
    public boolean multiplies(Precision precision) {
        return precision == Precision.FLOAT32 || capability >= FIRST_OF_SHORT_FACTORS;
    }

    /** Bytes that are free on the card, whoever may take them. */
    public long freeBytes() {
        LongByReference free = new LongByReference();
        LongByReference total = new LongByReference();
        check(driver.cuMemGetInfo_v2(free, total), "cuMemGetInfo");
        return free.getValue();
    }

    /** Loads what kernels need at once, so that units that are not yet kept are compiled side by side. */
    public void prepare(Collection<String> kernels) {
        Map<KernelSources.Unit, byte[]> images = kernels.stream()
                .map(KernelSources::unitOf)
                .distinct()
                .filter(unit -> !modules.containsKey(unit))
                .parallel()
                .collect(Collectors.toMap(unit -> unit, unit -> cubins.of(unit.name(), unit.macros())));
        images.forEach(this::load);
    }

    @Override
    public long allocate(long bytes) {
        LongByReference address = new LongByReference();
        int code = driver.cuMemAlloc_v2(address, Math.max(1, bytes));
        if (code == CudaDriver.OUT_OF_MEMORY) {
            throw new CudaException(
                    Kind.OUT_OF_MEMORY,
                    name + " has no room for " + bytes + " bytes more: " + taken + " are taken by this process and "
                            + freeBytes() + " are free; use fewer cells at once or a smaller micro-batch");
        }
        check(code, "cuMemAlloc");
        allocations.put(address.getValue(), bytes);
        taken += bytes;
        return address.getValue();
    }

    @Override
    public void free(long address) {
        Long bytes = allocations.remove(address);
        if (bytes == null) {
            throw new IllegalArgumentException("no allocation begins at " + address);
        }
        taken -= bytes;
        check(driver.cuStreamSynchronize(main.handle), "cuStreamSynchronize");
        check(driver.cuMemFree_v2(address), "cuMemFree");
    }

    @Override
    public void write(long address, ByteBuffer from) {
        staging.write(address, from.duplicate());
    }

    @Override
    public void read(long address, ByteBuffer to) {
        staging.read(address, to.duplicate());
    }

    @Override
    public void zero(long address, long bytes) {
        check(driver.cuMemsetD8Async(address, (byte) 0, bytes, stream.handle), "cuMemsetD8Async");
    }

    @Override
    public void launch(String kernel, Grid grid, int threads, long... arguments) {
        int count = arguments.length;
        if (parameters.size() < 2L * Long.BYTES * count) {
            parameters = new Memory(2L * Long.BYTES * count);
        }
        long pointers = (long) Long.BYTES * count;
        long base = Pointer.nativeValue(parameters);
        for (int i = 0; i < count; i++) {
            parameters.setLong((long) Long.BYTES * i, arguments[i]);
            parameters.setLong(pointers + (long) Long.BYTES * i, base + (long) Long.BYTES * i);
        }
        int code = driver.cuLaunchKernel(
                kernel(kernel),
                grid.x(),
                grid.y(),
                grid.z(),
                threads,
                1,
                1,
                0,
                stream.handle,
                parameters.share(pointers),
                Pointer.NULL);
        check(code, "launch of " + kernel);
    }

    @Override
    public void multiply(Product product) {
        if (!products.multiply(product, stream.handle, stream.workspace)) {
            apart(product);
        }
    }

    /** A product and its GELU one after the other. */
    private void apart(Product p) {
        multiply(new Product(
                p.a(),
                p.b(),
                new Factor(p.beforeGelu(), p.c().rowStride(), p.c().batchStride(), p.c().order()),
                p.rows(),
                p.columns(),
                p.inner(),
                p.batch(),
                p.precision(),
                p.result(),
                p.scale(),
                p.keep()));
        long length = (long) p.batch() * p.rows() * p.columns();
        Grid grid = Grid.of(Grid.blocks(length, 4 * GELU_THREADS));
        launch("gelu_bfloat16", grid, GELU_THREADS, p.beforeGelu(), p.c().address(), length);
    }

    @Override
    public void beside(Runnable work) {
        follow(main, side);
        stream = side;
        try {
            work.run();
        } finally {
            stream = main;
        }
        apart = true;
    }

    @Override
    public void join() {
        if (apart) {
            follow(side, main);
            apart = false;
        }
    }

    /** Lets {@code later} wait for what was queued in {@code earlier}. */
    private void follow(Stream earlier, Stream later) {
        check(driver.cuEventRecord(earlier.reached, earlier.handle), "cuEventRecord");
        check(driver.cuStreamWaitEvent(later.handle, earlier.reached, 0), "cuStreamWaitEvent");
    }

    @Override
    public Work capture(Runnable work) {
        check(driver.cuStreamBeginCapture_v2(main.handle, CudaDriver.CAPTURE_RELAXED), "cuStreamBeginCapture");
        PointerByReference reference = new PointerByReference();
        try {
            work.run();
        } finally {
            check(driver.cuStreamEndCapture(main.handle, reference), "cuStreamEndCapture");
        }
        Pointer graph = reference.getValue();
        PointerByReference executable = new PointerByReference();
        check(driver.cuGraphInstantiateWithFlags(executable, graph, 0), "cuGraphInstantiateWithFlags");
        check(driver.cuGraphDestroy(graph), "cuGraphDestroy");
        Pointer steps = executable.getValue();
        graphs.add(steps);
        return new Work() {
            @Override
            public void run() {
                check(driver.cuGraphLaunch(steps, main.handle), "cuGraphLaunch");
            }

            @Override
            public void close() {
                if (graphs.remove(steps)) {
                    driver.cuStreamSynchronize(main.handle);
                    driver.cuGraphExecDestroy(steps);
                }
            }
        };
    }

    @Override
    public void close() {
        driver.cuStreamSynchronize(main.handle);
        graphs.forEach(driver::cuGraphExecDestroy);
        graphs.clear();
        products.close();
        staging.close();
        List.copyOf(allocations.keySet()).forEach(driver::cuMemFree_v2);
        allocations.clear();
        modules.values().forEach(driver::cuModuleUnload);
        for (Stream each : List.of(main, side)) {
            driver.cuEventDestroy_v2(each.reached);
            driver.cuStreamDestroy_v2(each.handle);
        }
        driver.cuDevicePrimaryCtxRelease_v2(card);
    }

    private Pointer kernel(String name) {
        Pointer known = kernels.get(name);
        if (known != null) {
            return known;
        }
        KernelSources.Unit unit = KernelSources.unitOf(name);
        Pointer module = modules.get(unit);
        if (module == null) {
            module = load(unit, cubins.of(unit.name(), unit.macros()));
        }
        PointerByReference function = new PointerByReference();
        check(driver.cuModuleGetFunction(function, module, name), "cuModuleGetFunction of " + name);
        kernels.put(name, function.getValue());
        return function.getValue();
    }

    private Pointer load(KernelSources.Unit unit, byte[] image) {
        PointerByReference reference = new PointerByReference();
        check(driver.cuModuleLoadData(reference, image), "cuModuleLoadData of " + unit.name());
        modules.put(unit, reference.getValue());
        return reference.getValue();
    }

    private int attribute(int device, int attribute) {
        IntByReference value = new IntByReference();
        check(driver.cuDeviceGetAttribute(value, attribute, device), "cuDeviceGetAttribute");
        return value.getValue();
    }

    private static String dotted(int capability) {
        return capability / 10 + "." + capability % 10;
    }

    private void check(int code, String call) {
        check(driver, code, call);
    }

    static void check(CudaDriver driver, int code, String call) {
        if (code != 0) {
            throw new CudaException(
                    code == CudaDriver.OUT_OF_MEMORY ? Kind.OUT_OF_MEMORY : Kind.FAILED,
                    call + " failed: " + text(driver, code));
        }
    }

    private static String text(CudaDriver driver, int code) {
        PointerByReference name = new PointerByReference();
        PointerByReference text = new PointerByReference();
        if (driver.cuGetErrorName(code, name) != 0 || driver.cuGetErrorString(code, text) != 0) {
            return "CUDA error " + code;
        }
        return name.getValue().getString(0) + ", " + text.getValue().getString(0);
    }
}
