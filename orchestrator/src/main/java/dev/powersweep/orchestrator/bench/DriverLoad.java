package dev.powersweep.orchestrator.bench;

import java.lang.management.ManagementFactory;
import java.lang.management.MemoryMXBean;
import java.lang.management.ThreadMXBean;
import java.util.function.Supplier;

/**
 * What a piece of work cost this process.
 *
 * @param seconds wall clock
 * @param cpuSeconds of the thread that did it
 * @param heapBytes in use after it, garbage collected, its result still held
 */
public record DriverLoad(double seconds, double cpuSeconds, long heapBytes) {

    /** @param <T> of the result */
    public record Measured<T>(T result, DriverLoad load) {}

    /** Does the work and says what it cost. */
    public static <T> Measured<T> of(Supplier<T> work) {
        ThreadMXBean threads = ManagementFactory.getThreadMXBean();
        long cpu = threads.getCurrentThreadCpuTime();
        long wall = System.nanoTime();
        T result = work.get();
        double seconds = (System.nanoTime() - wall) / 1e9;
        double cpuSeconds = (threads.getCurrentThreadCpuTime() - cpu) / 1e9;
        MemoryMXBean memory = ManagementFactory.getMemoryMXBean();
        memory.gc();
        long heap = memory.getHeapMemoryUsage().getUsed();
        return new Measured<>(result, new DriverLoad(seconds, cpuSeconds, heap));
    }
}
