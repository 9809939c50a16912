package dev.powersweep.worker.gpu.cuda;

import com.sun.jna.Pointer;
import com.sun.jna.ptr.PointerByReference;
import java.nio.ByteBuffer;

/**
 * Page-locked memory that copies between host and card go through, so that a write returns before it is done: two halves,
 * one of which is filled while the card copies from the other.
 */
final class Staging implements AutoCloseable {

    private static final int HALF = 8 << 20;
    /** Copies begin at multiples of this. */
    private static final int ALIGNMENT = 64;

    private final CudaDriver driver;
    private final Pointer stream;
    private final Pointer memory;
    private final ByteBuffer bytes;
    private final Pointer[] copied = new Pointer[2];
    private int half;
    private int used;

    Staging(CudaDriver driver, Pointer stream) {
        this.driver = driver;
        this.stream = stream;
        PointerByReference reference = new PointerByReference();
        check(driver.cuMemHostAlloc(reference, 2L * HALF, 0), "cuMemHostAlloc");
        memory = reference.getValue();
        bytes = memory.getByteBuffer(0, 2L * HALF);
        for (int i = 0; i < copied.length; i++) {
            PointerByReference event = new PointerByReference();
            check(driver.cuEventCreate(event, CudaDriver.EVENT_DISABLE_TIMING), "cuEventCreate");
            copied[i] = event.getValue();
        }
    }

    void write(long address, ByteBuffer from) {
        long to = address;
        while (from.hasRemaining()) {
            if (used == HALF) {
                turn();
            }
            int count = Math.min(from.remaining(), HALF - used);
            int at = half * HALF + used;
            bytes.put(at, from, from.position(), count);
            from.position(from.position() + count);
            check(driver.cuMemcpyHtoDAsync_v2(to, memory.share(at), count, stream), "cuMemcpyHtoDAsync");
            to += count;
            used = Math.min(HALF, (used + count + ALIGNMENT - 1) / ALIGNMENT * ALIGNMENT);
        }
    }

    void read(long address, ByteBuffer to) {
        long from = address;
        do {
            // Nothing is under way in either half once a copy to the host is waited for.
            int count = Math.min(to.remaining(), HALF);
            check(driver.cuStreamSynchronize(stream), "cuStreamSynchronize");
            if (count > 0) {
                check(driver.cuMemcpyDtoHAsync_v2(memory, from, count, stream), "cuMemcpyDtoHAsync");
                check(driver.cuStreamSynchronize(stream), "cuStreamSynchronize");
                to.put(to.position(), bytes, 0, count);
                to.position(to.position() + count);
                from += count;
            }
            half = 0;
            used = 0;
        } while (to.hasRemaining());
    }

    /** Goes on in the other half, once the card has copied what was there. */
    private void turn() {
        check(driver.cuEventRecord(copied[half], stream), "cuEventRecord");
        half = 1 - half;
        used = 0;
        check(driver.cuEventSynchronize(copied[half]), "cuEventSynchronize");
    }

    @Override
    public void close() {
        for (Pointer event : copied) {
            driver.cuEventDestroy_v2(event);
        }
        driver.cuMemFreeHost(memory);
    }

    private void check(int code, String call) {
        CudaDevice.check(driver, code, call);
    }
}
