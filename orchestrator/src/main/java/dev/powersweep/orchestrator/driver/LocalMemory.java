package dev.powersweep.orchestrator.driver;

import com.sun.management.OperatingSystemMXBean;
import java.lang.management.ManagementFactory;

/** Memory of a machine that carries driver, executor and trainers. */
public final class LocalMemory {
    /** Left to the driver, the executor and the system. */
    private static final long DRIVER_BYTES = 1536L << 20;

    private LocalMemory() {}

    /** Bytes that all trainers together may take. */
    public static long forTrainers() {
        long memory =
                ManagementFactory.getPlatformMXBean(OperatingSystemMXBean.class).getTotalMemorySize();
        return Math.max(1, memory - DRIVER_BYTES);
    }
}
