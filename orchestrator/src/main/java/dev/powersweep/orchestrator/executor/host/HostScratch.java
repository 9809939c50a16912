package dev.powersweep.orchestrator.executor.host;

import java.io.IOException;
import java.nio.channels.FileChannel;
import java.nio.channels.FileLock;
import java.nio.channels.OverlappingFileLockException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardCopyOption;
import java.nio.file.StandardOpenOption;
import java.time.Instant;
import java.util.List;
import java.util.UUID;
import java.util.stream.Stream;

/**
 * The scratch folder of one process. A lock that the process holds while it lives says that the folder is in use, so that
 * whoever comes next on this host removes what a killed process has left.
 */
public final class HostScratch implements AutoCloseable {
    private static final String LOCK = ".lock";

    private final Path folder;
    private final Path lockFile;
    private final FileChannel lock;

    private HostScratch(Path folder, Path lockFile, FileChannel lock) {
        this.folder = folder;
        this.lockFile = lockFile;
        this.lock = lock;
    }

    /** Makes a folder below {@code parent}, and removes those of processes that have ended. */
    static HostScratch open(Path parent) throws IOException {
        Files.createDirectories(parent);
        removeAbandoned(parent);
        String name = UUID.randomUUID().toString();
        // Locked before it has the name that others look for.
        Path unnamed = parent.resolve("." + name);
        FileChannel channel = FileChannel.open(unnamed, StandardOpenOption.CREATE_NEW, StandardOpenOption.WRITE);
        try {
            channel.lock();
            Path lockFile = parent.resolve(name + "." + ProcessHandle.current().pid() + LOCK);
            Files.move(unnamed, lockFile, StandardCopyOption.ATOMIC_MOVE);
            return new HostScratch(Files.createDirectory(parent.resolve(name)), lockFile, channel);
        } catch (IOException | RuntimeException e) {
            channel.close();
            throw e;
        }
    }

    public Path folder() {
        return folder;
    }

    @Override
    public void close() throws IOException {
        HostCache.deleteAll(folder);
        Files.deleteIfExists(lockFile);
        lock.close();
    }

    private static void removeAbandoned(Path parent) throws IOException {
        String ours = "." + ProcessHandle.current().pid() + LOCK;
        List<Path> entries;
        try (Stream<Path> list = Files.list(parent)) {
            entries = list.toList();
        }
        for (Path each : entries) {
            String name = each.getFileName().toString();
            // Closing a file that this process has locked would end that lock.
            if (name.endsWith(LOCK) && !name.endsWith(ours)) {
                removeIfAbandoned(each);
            } else if (!name.endsWith(LOCK) && !locked(name, entries) && old(each)) {
                HostCache.deleteAll(each);
            }
        }
    }

    private static void removeIfAbandoned(Path lockFile) {
        try (FileChannel channel = FileChannel.open(lockFile, StandardOpenOption.WRITE);
                FileLock lock = channel.tryLock()) {
            if (lock != null) {
                String name = lockFile.getFileName().toString();
                HostCache.deleteAll(lockFile.resolveSibling(name.substring(0, name.indexOf('.'))));
                Files.deleteIfExists(lockFile);
            }
        } catch (OverlappingFileLockException | IOException e) {
            // In use, or removed by another process that came at the same time.
            return;
        }
    }

    private static boolean locked(String name, List<Path> entries) {
        return entries.stream().anyMatch(entry -> entry.getFileName().toString().startsWith(name + "."));
    }

    /** Of a release that knew no locks, or of a process that was killed in between. */
    private static boolean old(Path entry) {
        try {
            return Files.getLastModifiedTime(entry)
                    .toInstant()
                    .isBefore(Instant.now().minus(HostCache.UNUSED));
        } catch (IOException e) {
            return false;
        }
    }
}
