package dev.powersweep.orchestrator.executor.trainer;

import dev.powersweep.orchestrator.executor.host.HostLock;
import java.io.Closeable;
import java.io.IOException;
import java.nio.channels.FileChannel;
import java.nio.channels.FileLock;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardOpenOption;

/**
 * Where JavaCPP unpacks the native libraries of a trainer jar. Processes that unpack into one folder at the same time
 * damage each other's files, so that is left to trainers, one at a time.
 */
public final class LibraryFolder {
    private static final String WARM = "warm";

    private final Path folder;

    /** The folder is made where it is not there. */
    public LibraryFolder(Path folder) throws IOException {
        this.folder = Files.createDirectories(folder);
    }

    /** Whether everything has been unpacked. */
    public boolean unpacked() {
        return Files.exists(folder.resolve(WARM));
    }

    /** A trainer is ready, so that all that any program of its jar loads is unpacked. */
    void markUnpacked() throws IOException {
        Files.writeString(folder.resolve(WARM), "", StandardCharsets.UTF_8);
    }

    /** The right to unpack, until it is closed. */
    interface Turn extends Closeable {}

    /** Waits until no other process of this host unpacks here. */
    Turn turn() throws IOException, InterruptedException {
        FileChannel channel = FileChannel.open(
                folder.resolveSibling(folder.getFileName() + ".lock"),
                StandardOpenOption.CREATE,
                StandardOpenOption.WRITE);
        try {
            FileLock lock = HostLock.lock(channel);
            return () -> {
                try (channel) {
                    lock.release();
                }
            };
        } catch (IOException | InterruptedException | RuntimeException e) {
            channel.close();
            throw e;
        }
    }
}
