package dev.powersweep.worker.trainer;

import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;

/** What this process takes of the machine's memory. */
final class Memory {
    private static final Path STATUS = Path.of("/proc/self/status");

    private Memory() {}

    /** Largest resident size so far, bytes, where the kernel keeps it; the Java heap's size elsewhere. */
    static long peakBytes() {
        try {
            return peakBytes(Files.readString(STATUS, StandardCharsets.UTF_8));
        } catch (IOException e) {
            return Runtime.getRuntime().totalMemory();
        }
    }

    static long peakBytes(String status) {
        return status.lines()
                .filter(line -> line.startsWith("VmHWM:"))
                .map(line -> line.replaceAll("[^0-9]", ""))
                .mapToLong(kibibytes -> Long.parseLong(kibibytes) << 10)
                .findFirst()
                .orElseGet(() -> Runtime.getRuntime().totalMemory());
    }
}
