package dev.powersweep.orchestrator.run;

import dev.powersweep.orchestrator.storage.Storage;
import dev.powersweep.orchestrator.storage.SweepDirectory;
import dev.powersweep.worker.cell.CellJson;
import dev.powersweep.worker.shard.ShardManifest;
import java.io.IOException;
import java.io.InputStream;
import java.nio.channels.FileChannel;
import java.nio.channels.FileLock;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.NoSuchFileException;
import java.nio.file.Path;
import java.nio.file.StandardCopyOption;
import java.nio.file.StandardOpenOption;
import java.util.Comparator;
import java.util.List;
import java.util.Optional;
import java.util.UUID;
import java.util.stream.Stream;

/**
 * What is kept on a host between cells, and between sweeps: trainer jars and token shards, each by a hash of its
 * content. Entries appear in one step and are never changed; several executors of a host share them.
 */
final class HostCache {
    private final Path root;

    HostCache(Path root) {
        this.root = root;
    }

    /** Below the system's temporary directory, one for each user. */
    static HostCache ofUser() {
        return new HostCache(
                Path.of(System.getProperty("java.io.tmpdir"), "powersweep-" + System.getProperty("user.name", "user")));
    }

    Path root() {
        return root;
    }

    /** A directory of this process alone; deleted by {@link #deleteAll} when it ends. */
    Path scratch() throws IOException {
        return Files.createDirectories(
                root.resolve("scratch").resolve(UUID.randomUUID().toString()));
    }

    /** Where JavaCPP unpacks the libraries of a trainer jar. */
    Path nativeLibraries(Path trainerJar) {
        String name = trainerJar.getFileName().toString();
        return root.resolve("native").resolve(name.substring(0, Math.max(1, name.lastIndexOf('.'))));
    }

    /** Puts a jar that comes as a stream into the cache, unless it is there. */
    Path installJar(String hash, IoSupplier<InputStream> content) throws IOException, InterruptedException {
        Path jar = root.resolve("trainer").resolve(hash + ".jar");
        install(jar, unfinished -> {
            try (InputStream in = content.get()) {
                Files.copy(in, unfinished);
            }
        });
        return jar;
    }

    /**
     * A local directory with the corpus's shard: in place where it is local already, copied otherwise.
     *
     * @throws IOException when the stored shard cannot be read or is damaged; nothing is kept of it then
     */
    Path shard(Storage storage, SweepDirectory directory, String corpusHash) throws IOException, InterruptedException {
        org.apache.hadoop.fs.Path stored = directory.corpus(corpusHash);
        if (isLocal(stored)) {
            return Path.of(stored.toUri().getPath());
        }
        Path local = copy(corpusHash);
        install(local, unfinished -> {
            Files.createDirectories(unfinished);
            Path manifest = unfinished.resolve(ShardManifest.FILE_NAME);
            storage.download(new org.apache.hadoop.fs.Path(stored, ShardManifest.FILE_NAME), manifest);
            for (ShardManifest.TokenFile file : tokenFiles(manifest)) {
                storage.download(new org.apache.hadoop.fs.Path(stored, file.file()), unfinished.resolve(file.file()));
            }
            Optional<String> damaged = damaged(unfinished);
            if (damaged.isPresent()) {
                throw new IOException(new org.apache.hadoop.fs.Path(stored, damaged.get())
                        + " is damaged: its content does not have the checksum of its manifest; restore the file, or"
                        + " delete " + stored + " and submit again");
            }
        });
        return local;
    }

    /** Forgets this host's copy of a shard if it has been damaged since it was made, so that the next cell makes a new one. */
    void dropDamagedShard(SweepDirectory directory, String corpusHash) throws IOException {
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
            Path away = local.resolveSibling("." + corpusHash + "." + UUID.randomUUID());
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
        return root.resolve("corpus").resolve(corpusHash);
    }

    private static boolean isLocal(org.apache.hadoop.fs.Path path) {
        return "file".equals(path.toUri().getScheme());
    }

    private static List<ShardManifest.TokenFile> tokenFiles(Path manifest) throws IOException {
        ShardManifest shard = CellJson.read(Files.readString(manifest, StandardCharsets.UTF_8), ShardManifest.class);
        return Stream.concat(Stream.of(shard.train()), shard.evaluation().stream())
                .toList();
    }

    /** The name of the first file whose content is not what the manifest says. */
    private static Optional<String> damaged(Path shard) throws IOException {
        for (ShardManifest.TokenFile file : tokenFiles(shard.resolve(ShardManifest.FILE_NAME))) {
            if (Digests.crc32c(shard.resolve(file.file())) != file.crc32c()) {
                return Optional.of(file.file());
            }
        }
        return Optional.empty();
    }

    /** A supplier that reads. */
    interface IoSupplier<T> {
        T get() throws IOException;
    }

    private interface Installer {
        void writeTo(Path unfinished) throws IOException;
    }

    private static void install(Path entry, Installer installer) throws IOException, InterruptedException {
        if (Files.exists(entry)) {
            return;
        }
        Files.createDirectories(entry.getParent());
        try (FileChannel channel = FileChannel.open(
                entry.resolveSibling("." + entry.getFileName() + ".lock"),
                StandardOpenOption.CREATE,
                StandardOpenOption.WRITE)) {
            FileLock lock = HostLock.lock(channel);
            try {
                if (Files.exists(entry)) {
                    return;
                }
                Path unfinished = entry.resolveSibling("." + entry.getFileName() + "." + UUID.randomUUID());
                try {
                    installer.writeTo(unfinished);
                    Files.move(unfinished, entry, StandardCopyOption.ATOMIC_MOVE);
                } finally {
                    deleteAll(unfinished);
                }
            } finally {
                lock.release();
            }
        }
    }

    /** Deletes a file or directory of scratch as far as it can. */
    static void deleteAll(Path path) {
        if (!Files.exists(path)) {
            return;
        }
        try (Stream<Path> walk = Files.walk(path)) {
            for (Path each : walk.sorted(Comparator.reverseOrder()).toList()) {
                Files.deleteIfExists(each);
            }
        } catch (IOException e) {
            // Scratch in the temporary directory; whatever stays is the system's to clean.
            return;
        }
    }
}
