package dev.powersweep.orchestrator.executor.host;

import dev.powersweep.orchestrator.storage.Digests;
import dev.powersweep.orchestrator.storage.FileStamp;
import dev.powersweep.orchestrator.storage.PrivateDirectory;
import dev.powersweep.orchestrator.storage.Storage;
import dev.powersweep.orchestrator.storage.SweepDirectory;
import dev.powersweep.orchestrator.storage.UserError;
import dev.powersweep.worker.cell.StoredName;
import dev.powersweep.worker.shard.ShardManifest;
import java.io.IOException;
import java.io.InputStream;
import java.io.UncheckedIOException;
import java.nio.channels.FileChannel;
import java.nio.channels.FileLock;
import java.nio.channels.OverlappingFileLockException;
import java.nio.file.Files;
import java.nio.file.LinkOption;
import java.nio.file.NoSuchFileException;
import java.nio.file.Path;
import java.nio.file.StandardCopyOption;
import java.nio.file.StandardOpenOption;
import java.nio.file.attribute.BasicFileAttributes;
import java.nio.file.attribute.FileTime;
import java.time.Clock;
import java.time.Duration;
import java.time.Instant;
import java.util.ArrayList;
import java.util.Comparator;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.UUID;
import java.util.concurrent.ConcurrentHashMap;
import java.util.function.Consumer;
import java.util.stream.Stream;
import org.apache.logging.log4j.LogManager;
import org.apache.logging.log4j.Logger;

/**
 * What is kept on a host between cells, and between sweeps: trainer jars and token shards, each by a hash of its
 * content. Entries appear in one step and are never changed; several executors of a host share them. Whenever one is
 * added, those of its kind that have not been used for {@link #UNUSED} are removed.
 */
public final class HostCache {
    /** Longer than any pause in a sweep. The trainer of an older version is removed in the end. */
    static final Duration UNUSED = Duration.ofDays(14);

    private static final Logger LOG = LogManager.getLogger(HostCache.class);
    private static final String LOCK = ".lock";

    private final Path root;
    /** What has been compared with its hash by this object, as it was then. */
    private final Map<Path, List<Stamp>> sound = new ConcurrentHashMap<>();

    /** A file that has not been written to since it was read, as far as the file system tells. */
    private record Stamp(String file, long bytes, FileTime modified, Optional<Object> key) {}

    public HostCache(Path root) {
        this.root = root;
    }

    /** Below the system's temporary directory, one for each user. */
    public static HostCache ofUser() {
        return new HostCache(
                Path.of(System.getProperty("java.io.tmpdir"), "powersweep-" + System.getProperty("user.name", "user")));
    }

    /**
     * The cache's directory, made where it is not there.
     *
     * @throws IOException when it is not this user's alone: whoever could write there could choose what trainers run
     */
    public Path root() throws IOException {
        return PrivateDirectory.require(root);
    }

    /** Where the cache is, or would be. */
    public Path place() {
        return root;
    }

    /**
     * The same, for a command of a user.
     *
     * @throws UserError when the cache is not this user's alone, or cannot be written
     */
    public HostScratch scratchForCommand() {
        try {
            return scratch();
        } catch (IOException e) {
            throw new UserError("no place to work in: " + e.getMessage(), e);
        }
    }

    /** Files of a kind that spare commands work. */
    public KeptFiles kept(String kind) {
        return new KeptFiles(root, kind, Clock.systemUTC());
    }

    /** Whether this is a file of the cache, which stays as it is. */
    public boolean holds(Path file) {
        return file.startsWith(root);
    }

    /** A directory of this process alone. */
    public HostScratch scratch() throws IOException {
        return HostScratch.open(root().resolve("scratch"));
    }

    /** Where JavaCPP unpacks the libraries of a trainer jar. */
    public Path nativeLibraries(Path trainerJar) {
        String name = trainerJar.getFileName().toString();
        return root.resolve("native").resolve(name.substring(0, Math.max(1, name.lastIndexOf('.'))));
    }

    /**
     * Puts a jar that comes as a stream into the cache, unless it is there with this content.
     *
     * @param sha256 of the content, which names it
     * @param crc32 of the content, compared in its place while the system says that nobody has touched the file since
     *     its SHA-256 was
     */
    public Path installJar(String sha256, long crc32, IoSupplier<InputStream> content)
            throws IOException, InterruptedException {
        Path jar = root().resolve("trainer").resolve(sha256 + ".jar");
        Installer installer = unfinished -> {
            try (InputStream in = content.get()) {
                Files.copy(in, unfinished);
            }
        };
        boolean added = install(jar, installer, () -> jarIsSound(jar, sha256, crc32));
        if (added) {
            removeUnused(jar.getParent(), old -> discard(nativeLibraries(old)));
            removeLeftovers(root.resolve("native"));
        }
        return jar;
    }

    private static boolean jarIsSound(Path jar, String sha256, long crc32) throws IOException {
        Path note = jar.resolveSibling("." + jar.getFileName() + ".verified");
        String now = FileStamp.of(jar)
                .map(FileStamp::identity)
                .orElseThrow(() -> new IOException(jar.getFileSystem() + " does not tell when files were changed"));
        if (Files.exists(note) && Files.readString(note).equals(now)) {
            return Digests.crc32(jar) == crc32;
        }
        boolean sound = Digests.sha256(jar).equals(sha256);
        if (sound) {
            Path unfinished = beside(note);
            Files.writeString(unfinished, now);
            Files.move(unfinished, note, StandardCopyOption.ATOMIC_MOVE);
        }
        return sound;
    }

    /**
     * A local directory with the corpus's shard: in place where it is local already, copied otherwise.
     *
     * @throws IOException when the stored shard cannot be read or is damaged; nothing is kept of it then
     */
    public Path shard(Storage storage, SweepDirectory directory, String corpusHash)
            throws IOException, InterruptedException {
        org.apache.hadoop.fs.Path stored = directory.corpus(corpusHash);
        if (isLocal(stored)) {
            return Path.of(stored.toUri().getPath());
        }
        root();
        Path local = copy(corpusHash);
        Installer installer = unfinished -> {
            Files.createDirectories(unfinished);
            Path manifest = unfinished.resolve(ShardManifest.FILE_NAME);
            storage.download(new org.apache.hadoop.fs.Path(stored, ShardManifest.FILE_NAME), manifest);
            for (ShardManifest.TokenFile file : tokenFiles(unfinished)) {
                storage.download(Storage.child(stored, file.file()), unfinished.resolve(file.file()));
            }
            Optional<String> damaged = damaged(unfinished);
            if (damaged.isPresent()) {
                throw new IOException(Storage.child(stored, damaged.get())
                        + " is damaged: its content does not have the checksum of its manifest; restore the file, or"
                        + " delete " + stored + " and submit again");
            }
        };
        boolean added = install(local, installer, () -> damaged(local).isEmpty());
        if (added) {
            removeUnused(local.getParent(), old -> {});
        }
        return local;
    }

    /**
     * A file of a program, by its content.
     *
     * @throws IOException when the stored file cannot be read or is not what its name says
     */
    public Path programFile(Storage storage, SweepDirectory directory, String sha256)
            throws IOException, InterruptedException {
        Path local = root().resolve("programs").resolve(StoredName.sha256(sha256));
        boolean added = install(
                local,
                unfinished -> storage.download(directory.programFile(sha256), unfinished),
                () -> Digests.sha256(local).equals(sha256));
        if (added) {
            removeUnused(local.getParent(), old -> {});
        }
        return local;
    }

    /** Forgets this host's copy of a shard if it has been damaged since it was made, so that the next cell makes a new one. */
    public void dropDamagedShard(SweepDirectory directory, String corpusHash) throws IOException {
        Path local = copy(corpusHash);
        if (isLocal(directory.corpus(corpusHash)) || !Files.exists(local)) {
            return;
        }
        boolean damaged;
        try {
            damaged = damaged(local).isPresent();
        } catch (IOException | IllegalArgumentException e) {
            damaged = true;
        }
        if (damaged) {
            Path away = beside(local);
            try {
                Files.move(local, away, StandardCopyOption.ATOMIC_MOVE);
            } catch (NoSuchFileException e) {
                // Another executor of this host was first.
                return;
            }
            deleteAll(away);
        }
    }

    private Path copy(String corpusHash) {
        return root.resolve("corpus").resolve(StoredName.corpus(corpusHash));
    }

    private static boolean isLocal(org.apache.hadoop.fs.Path path) {
        return "file".equals(path.toUri().getScheme());
    }

    private static List<ShardManifest.TokenFile> tokenFiles(Path shardDirectory) throws IOException {
        ShardManifest shard = ShardManifest.read(shardDirectory);
        return Stream.concat(Stream.of(shard.train()), shard.evaluation().stream())
                .toList();
    }

    /** The name of the first file whose content is not what the manifest says. */
    private static Optional<String> damaged(Path shard) throws IOException {
        for (ShardManifest.TokenFile file : tokenFiles(shard)) {
            if (Digests.crc32c(shard.resolve(file.file())) != file.crc32c()) {
                return Optional.of(file.file());
            }
        }
        return Optional.empty();
    }

    /** A supplier that reads. */
    public interface IoSupplier<T> {
        T get() throws IOException;
    }

    private interface Installer {
        void writeTo(Path unfinished) throws IOException;
    }

    /**
     * Makes the entry unless it is there and sound; says whether it did. An entry that is not what its name says is made
     * anew. Reading it all to compare is done once a process, and again when its files have changed.
     */
    private boolean install(Path entry, Installer installer, IoSupplier<Boolean> comparison)
            throws IOException, InterruptedException {
        boolean added = install(entry, installer);
        List<Stamp> now = stamps(entry);
        if (now.equals(sound.get(entry))) {
            return added;
        }
        if (!sound(comparison)) {
            LOG.warn("{} is not what its hash says and is made anew", entry);
            discard(entry);
            added = install(entry, installer);
            now = stamps(entry);
            if (!sound(comparison)) {
                throw new IOException(entry + " does not have the content that its hash names, twice");
            }
        }
        sound.put(entry, now);
        return added;
    }

    private static boolean sound(IoSupplier<Boolean> comparison) {
        try {
            return comparison.get();
        } catch (IOException | IllegalArgumentException e) {
            // A file of it is missing, or its manifest cannot be read.
            return false;
        }
    }

    private static List<Stamp> stamps(Path entry) throws IOException {
        try (Stream<Path> walk = Files.walk(entry)) {
            List<Stamp> stamps = new ArrayList<>();
            for (Path file : walk.sorted().toList()) {
                BasicFileAttributes found =
                        Files.readAttributes(file, BasicFileAttributes.class, LinkOption.NOFOLLOW_LINKS);
                stamps.add(new Stamp(
                        file.toString(), found.size(), found.lastModifiedTime(), Optional.ofNullable(found.fileKey())));
            }
            return stamps;
        }
    }

    /** Makes the entry unless it is there; says whether it did. Counts as a use either way. */
    private static boolean install(Path entry, Installer installer) throws IOException, InterruptedException {
        Files.createDirectories(entry.getParent());
        Path lockFile = lockFile(entry);
        try (FileChannel channel = FileChannel.open(lockFile, StandardOpenOption.CREATE, StandardOpenOption.WRITE)) {
            // The lock's time is that of the last use. Set before the lock is taken: a remover that holds the lock by
            // then has either seen this, or is waited for.
            Files.setLastModifiedTime(lockFile, FileTime.from(Instant.now()));
            FileLock lock = HostLock.lock(channel);
            try {
                if (Files.exists(entry)) {
                    return false;
                }
                Path unfinished = beside(entry);
                try {
                    installer.writeTo(unfinished);
                    Files.move(unfinished, entry, StandardCopyOption.ATOMIC_MOVE);
                } finally {
                    deleteAll(unfinished);
                }
                return true;
            } finally {
                lock.release();
            }
        }
    }

    /** Removes entries of a kind that were not used for long, and before each one what belongs to it. */
    private static void removeUnused(Path directory, Consumer<Path> companions) {
        for (Path lockFile : list(directory)) {
            String name = lockFile.getFileName().toString();
            if (!name.startsWith(".") || !name.endsWith(LOCK) || !unused(lockFile)) {
                continue;
            }
            Path entry = lockFile.resolveSibling(name.substring(1, name.length() - LOCK.length()));
            if (!Files.exists(entry)) {
                continue;
            }
            try (FileChannel channel = FileChannel.open(lockFile, StandardOpenOption.WRITE);
                    FileLock lock = channel.tryLock()) {
                if (lock != null && unused(lockFile)) {
                    companions.accept(entry);
                    discard(entry);
                }
            } catch (OverlappingFileLockException | IOException e) {
                // In use after all, or not ours to remove; the next addition tries again.
                continue;
            }
        }
        removeLeftovers(directory);
    }

    /** Removes what processes that were killed had not finished, or not finished deleting. */
    private static void removeLeftovers(Path directory) {
        for (Path each : list(directory)) {
            String name = each.getFileName().toString();
            if (name.startsWith(".") && !name.endsWith(LOCK) && unused(each)) {
                deleteAll(each);
            }
        }
    }

    private static boolean unused(Path path) {
        try {
            return Files.getLastModifiedTime(path)
                    .toInstant()
                    .isBefore(Instant.now().minus(UNUSED));
        } catch (IOException e) {
            // Gone, or unreadable: either way not to be removed by us.
            return false;
        }
    }

    /** Takes a path away in one step, then deletes it at leisure. */
    private static void discard(Path path) {
        if (!Files.exists(path)) {
            return;
        }
        Path away = beside(path);
        try {
            Files.move(path, away, StandardCopyOption.ATOMIC_MOVE);
        } catch (IOException e) {
            // Another process of this host was first, or may and we may not.
            return;
        }
        deleteAll(away);
    }

    private static List<Path> list(Path directory) {
        try (Stream<Path> entries = Files.list(directory)) {
            return entries.toList();
        } catch (IOException | UncheckedIOException e) {
            // Not there yet.
            return List.of();
        }
    }

    private static Path lockFile(Path entry) {
        return entry.resolveSibling("." + entry.getFileName() + LOCK);
    }

    private static Path beside(Path entry) {
        return entry.resolveSibling("." + entry.getFileName() + "." + UUID.randomUUID());
    }

    /** Deletes a file or directory of scratch as far as it can. */
    public static void deleteAll(Path path) {
        if (!Files.exists(path)) {
            return;
        }
        try (Stream<Path> walk = Files.walk(path)) {
            for (Path each : walk.sorted(Comparator.reverseOrder()).toList()) {
                Files.deleteIfExists(each);
            }
        } catch (IOException | UncheckedIOException e) {
            // Scratch in the temporary directory; whatever stays is the system's to clean.
            return;
        }
    }
}
