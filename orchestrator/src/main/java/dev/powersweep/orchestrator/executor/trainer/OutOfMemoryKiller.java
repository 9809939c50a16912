package dev.powersweep.orchestrator.executor.trainer;

import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.OptionalLong;

/** Linux's count of the processes that it has killed for want of memory, those of containers included. */
public final class OutOfMemoryKiller {
    private static final Path COUNTERS = Path.of("/proc/vmstat");
    private static final String NAME = "oom_kill ";

    private OutOfMemoryKiller() {}

    /** Processes killed on this host since it started; empty where the system does not say. */
    public static OptionalLong kills() {
        try {
            return Files.readAllLines(COUNTERS, StandardCharsets.UTF_8).stream()
                    .filter(line -> line.startsWith(NAME))
                    .mapToLong(line -> Long.parseLong(line.substring(NAME.length())))
                    .findFirst();
        } catch (IOException | NumberFormatException e) {
            return OptionalLong.empty();
        }
    }
}
