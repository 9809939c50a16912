package dev.powersweep.worker.gpu.cuda;

import dev.powersweep.worker.cell.Precision;
import dev.powersweep.worker.gpu.Device;
import dev.powersweep.worker.gpu.Grid;
import dev.powersweep.worker.gpu.Product;
import dev.powersweep.worker.gpu.cuda.CudaException.Kind;
import java.nio.ByteBuffer;
import java.util.HashMap;
import java.util.Map;
import java.util.concurrent.atomic.AtomicBoolean;

/** A device whose memory ends somewhere and whose steps can be made to fail, and which notes how full its launches are. */
public final class FaultyDevice implements Device {

    private final Device device;
    private final Map<Long, Long> sizes = new HashMap<>();
    private final AtomicBoolean broken = new AtomicBoolean();
    private volatile long limit = Long.MAX_VALUE;
    private volatile long taken;
    private volatile int mostCells;

    public FaultyDevice(Device device) {
        this.device = device;
    }

    /** Bytes that may be taken. */
    public void limit(long bytes) {
        limit = bytes;
    }

    public long taken() {
        return taken;
    }

    /** Lets the next step fail, and all later ones. */
    public void shatter() {
        broken.set(true);
    }

    /** Cells of the fullest step that was prepared. */
    public int mostCells() {
        return mostCells;
    }

    @Override
    public String describe() {
        return device.describe();
    }

    @Override
    public boolean multiplies(Precision precision) {
        return device.multiplies(precision);
    }

    @Override
    public long allocate(long bytes) {
        if (taken + bytes > limit) {
            throw new CudaException(Kind.OUT_OF_MEMORY, "no room for " + bytes + " bytes more");
        }
        long address = device.allocate(bytes);
        sizes.put(address, bytes);
        taken += bytes;
        return address;
    }

    @Override
    public void free(long address) {
        taken -= sizes.remove(address);
        device.free(address);
    }

    @Override
    public void write(long address, ByteBuffer from) {
        device.write(address, from);
    }

    @Override
    public void read(long address, ByteBuffer to) {
        device.read(address, to);
    }

    @Override
    public void zero(long address, long bytes) {
        device.zero(address, bytes);
    }

    @Override
    public void launch(String kernel, Grid grid, int threads, long... arguments) {
        if (kernel.startsWith("classify")) {
            mostCells = Math.max(mostCells, grid.y());
        }
        device.launch(kernel, grid, threads, arguments);
    }

    @Override
    public void multiply(Product product) {
        device.multiply(product);
    }

    @Override
    public void beside(Runnable work) {
        device.beside(work);
    }

    @Override
    public void join() {
        device.join();
    }

    @Override
    public Work capture(Runnable work) {
        Work captured = device.capture(work);
        return new Work() {
            @Override
            public void run() {
                if (broken.get()) {
                    throw new CudaException(Kind.FAILED, "the card has fallen off the bus");
                }
                captured.run();
            }

            @Override
            public void close() {
                captured.close();
            }
        };
    }

    @Override
    public void close() {
        device.close();
    }
}
