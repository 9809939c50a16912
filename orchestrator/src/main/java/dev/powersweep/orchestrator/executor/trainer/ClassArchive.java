package dev.powersweep.orchestrator.executor.trainer;

import dev.powersweep.orchestrator.executor.host.HostLock;
import dev.powersweep.orchestrator.storage.Digests;
import java.io.ByteArrayInputStream;
import java.io.IOException;
import java.nio.channels.FileChannel;
import java.nio.channels.FileLock;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardCopyOption;
import java.nio.file.StandardOpenOption;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import java.util.UUID;
import java.util.concurrent.TimeUnit;
import org.apache.logging.log4j.LogManager;
import org.apache.logging.log4j.Logger;

/**
 * The trainer's classes as a JVM lays them out in memory, kept on a host so that trainers start in half the time. It
 * belongs to one JDK and one jar as they are; for another one there is another archive.
 */
final class ClassArchive {
    private static final Logger LOG = LogManager.getLogger(ClassArchive.class);

    private static final String NONE = "none";

    private final Path file;

    private ClassArchive(Path file) {
        this.file = file;
    }

    /**
     * The command line that starts this trainer soonest. The first trainer of a host makes no archive, since it unpacks
     * its libraries; the second one does, unless another process does so right now. That none can be made or used costs
     * each start a second and nothing else.
     */
    static List<String> lineWithArchive(TrainerKey key, Duration limit, Stopping stopping) throws InterruptedException {
        try {
            Optional<ClassArchive> archive = of(key);
            if (archive.isPresent()) {
                archive.get().makeOnce(key, limit, stopping);
                if (archive.get().sound()) {
                    return with("-XX:SharedArchiveFile=" + archive.get().file, key);
                }
            }
        } catch (IOException e) {
            LOG.debug("no archive of the trainer's classes", e);
        }
        return key.commandLine();
    }

    /** Empty where the jar is not of this host's cache, or the JDK not of the usual shape. */
    private static Optional<ClassArchive> of(TrainerKey key) throws IOException {
        String java = key.commandLine().get(0);
        Path release = Path.of(java).resolveSibling("../release");
        if (key.cachedJar().isEmpty() || !Files.isReadable(release)) {
            return Optional.empty();
        }
        Path jar = key.cachedJar().get();
        String identity = String.join(
                "\n",
                java,
                Files.readString(release),
                jar.toString(),
                Files.getLastModifiedTime(jar).toString(),
                Long.toString(Files.size(jar)));
        String hash = Digests.sha256(new ByteArrayInputStream(identity.getBytes(StandardCharsets.UTF_8)));
        return Optional.of(
                new ClassArchive(Path.of(key.nativeCache()).resolve("classes-" + hash.substring(0, 16) + ".jsa")));
    }

    private void makeOnce(TrainerKey key, Duration limit, Stopping stopping) throws IOException, InterruptedException {
        if (Files.exists(note())) {
            return;
        }
        try (FileChannel channel =
                FileChannel.open(beside("lock"), StandardOpenOption.CREATE, StandardOpenOption.WRITE)) {
            Optional<FileLock> lock = HostLock.tryLock(channel);
            if (lock.isEmpty()) {
                return;
            }
            try {
                if (!Files.exists(note()) && make(key, limit, stopping)) {
                    String checksum = Files.exists(file) ? Long.toString(Digests.crc32(file)) : NONE;
                    Files.writeString(note(), checksum, StandardCharsets.UTF_8);
                }
            } finally {
                lock.get().release();
            }
        }
    }

    /** Whether there is an archive as it was made: a JVM that maps a damaged one is killed by the system. */
    private boolean sound() throws IOException {
        if (!Files.exists(note()) || !Files.exists(file)) {
            return false;
        }
        boolean sound = Files.readString(note()).equals(Long.toString(Digests.crc32(file)));
        if (!sound) {
            // Others may have mapped it, which a file that only loses its name does not disturb.
            Files.deleteIfExists(note());
            Files.deleteIfExists(file);
        }
        return sound;
    }

    /** Beside the archive: its checksum, or that none could be made. */
    private Path note() {
        return beside("crc32");
    }

    private Path beside(String ending) {
        return file.resolveSibling(file.getFileName() + "." + ending);
    }

    /** Starts a trainer that gets no cell, and so ends; says whether it is settled if there is an archive. */
    private boolean make(TrainerKey key, Duration limit, Stopping stopping) throws IOException, InterruptedException {
        Path unfinished = beside(UUID.randomUUID().toString());
        ProcessBuilder builder = new ProcessBuilder(with("-XX:ArchiveClassesAtExit=" + unfinished, key));
        builder.environment().clear();
        builder.environment().putAll(key.environment());
        builder.redirectOutput(ProcessBuilder.Redirect.DISCARD).redirectError(ProcessBuilder.Redirect.DISCARD);
        Process process = builder.start();
        try {
            process.getOutputStream().close();
            long end = System.nanoTime() + limit.toNanos();
            while (!process.waitFor(200, TimeUnit.MILLISECONDS)) {
                if (stopping.requested()) {
                    return false;
                }
                if (System.nanoTime() > end) {
                    LOG.debug("no archive of the trainer's classes within {}", limit);
                    return true;
                }
            }
            if (process.exitValue() == 0 && Files.exists(unfinished)) {
                Files.move(unfinished, file, StandardCopyOption.ATOMIC_MOVE);
            } else {
                LOG.debug("no archive of the trainer's classes: exit status {}", process.exitValue());
            }
            return true;
        } finally {
            process.destroyForcibly().waitFor();
            Files.deleteIfExists(unfinished);
        }
    }

    private static List<String> with(String option, TrainerKey key) {
        List<String> line = new ArrayList<>(key.commandLine());
        line.add(1, option);
        return line;
    }
}
