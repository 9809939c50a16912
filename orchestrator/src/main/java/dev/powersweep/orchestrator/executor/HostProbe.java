package dev.powersweep.orchestrator.executor;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Arrays;
import java.util.List;
import java.util.Optional;

/** Asks this host whether its folders can still be written and read. */
final class HostProbe {
    /** Below which no shard or checkpoint finds room. */
    private static final long LEAST_FREE_BYTES = 1 << 20;

    private static final int PROBE_BYTES = 1 << 16;

    private HostProbe() {}

    /** What is wrong, with the path; empty when nothing is. */
    static Optional<String> trouble(List<Path> folders) {
        return folders.stream().flatMap(folder -> trouble(folder).stream()).findFirst();
    }

    private static Optional<String> trouble(Path folder) {
        try {
            Files.createDirectories(folder);
            if (Files.getFileStore(folder).getUsableSpace() < LEAST_FREE_BYTES) {
                return Optional.of("disk full at " + folder);
            }
            Path probe = Files.createTempFile(folder, ".probe", "");
            try {
                byte[] written = new byte[PROBE_BYTES];
                Arrays.fill(written, (byte) 1);
                Files.write(probe, written);
                return Arrays.equals(written, Files.readAllBytes(probe))
                        ? Optional.empty()
                        : Optional.of("what is written to " + folder + " is not what is read");
            } finally {
                Files.deleteIfExists(probe);
            }
        } catch (IOException e) {
            return Optional.of(folder + " cannot be used (" + Faults.sentence(e) + ")");
        }
    }
}
