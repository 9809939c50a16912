package dev.powersweep.orchestrator.executor.host;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.powersweep.orchestrator.storage.Digests;
import dev.powersweep.orchestrator.storage.Storage;
import dev.powersweep.orchestrator.storage.SweepDirectory;
import dev.powersweep.worker.cell.CellJson;
import dev.powersweep.worker.shard.ShardManifest;
import dev.powersweep.worker.shard.TokenType;
import java.io.BufferedReader;
import java.io.ByteArrayInputStream;
import java.io.IOException;
import java.nio.channels.FileChannel;
import java.nio.channels.FileLock;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardOpenOption;
import java.nio.file.attribute.FileTime;
import java.nio.file.attribute.PosixFilePermissions;
import java.time.Instant;
import java.util.List;
import java.util.concurrent.CyclicBarrier;
import java.util.concurrent.FutureTask;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.zip.CRC32;
import java.util.zip.CRC32C;
import org.apache.hadoop.conf.Configuration;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** Trainers and shards on a host; the shards on their way from a storage elsewhere, which a folder stands for. */
class HostCacheTest {
    private static final String CORPUS = "c0ffee";
    private static final byte[] TOKENS = {1, 2, 3, 4};

    @TempDir
    Path folder;

    private Path stored;
    private HostCache cache;
    private SweepDirectory directory;
    private Storage storage;

    @BeforeEach
    void store() throws IOException {
        stored = Files.createDirectories(folder.resolve("sweep/corpus/" + CORPUS));
        CRC32C checksum = new CRC32C();
        checksum.update(TOKENS);
        Files.writeString(
                stored.resolve(ShardManifest.FILE_NAME),
                CellJson.line(new ShardManifest(
                        ShardManifest.FORMAT,
                        CORPUS,
                        "bytes",
                        256,
                        TokenType.values()[0],
                        new ShardManifest.TokenFile("train", "train.bin", 4, 4, checksum.getValue()),
                        List.of(new ShardManifest.TokenFile(
                                ShardManifest.VALIDATION, "validation.bin", 4, 4, checksum.getValue())))));
        Files.write(stored.resolve("train.bin"), TOKENS);
        Files.write(stored.resolve("validation.bin"), TOKENS);
        cache = new HostCache(folder.resolve("cache"));
        directory = new SweepDirectory(new org.apache.hadoop.fs.Path(
                "elsewhere://host" + folder.resolve("sweep").toUri().getPath()));
        storage = Storage.of(new org.apache.hadoop.fs.Path(folder.toUri()), new Configuration());
    }

    @Test
    void aDamagedShardIsRefusedByNameAndNothingOfItKept() throws Exception {
        Files.write(stored.resolve("validation.bin"), new byte[] {1, 2, 3, 5});
        assertThatThrownBy(() -> cache.shard(storage, directory, CORPUS))
                .isInstanceOf(IOException.class)
                .hasMessageContaining("validation.bin is damaged")
                .hasMessageContaining("submit again");
        Files.write(stored.resolve("validation.bin"), TOKENS);
        assertThat(cache.shard(storage, directory, CORPUS).resolve("validation.bin"))
                .hasBinaryContent(TOKENS);
    }

    @Test
    void aCopyThatWasDamagedLaterIsMadeAnewAndASoundOneStays() throws Exception {
        Path copy = cache.shard(storage, directory, CORPUS);
        cache.dropDamagedShard(directory, CORPUS);
        assertThat(copy).isDirectory();
        Files.write(copy.resolve("train.bin"), new byte[] {0, 0, 0, 0});
        cache.dropDamagedShard(directory, CORPUS);
        assertThat(copy).doesNotExist();
        assertThat(cache.shard(storage, directory, CORPUS).resolve("train.bin")).hasBinaryContent(TOKENS);
    }

    @Test
    void aPlantedJarIsNeverRunWhetherItWasThereFirstOrPutThereLater() throws Exception {
        Path root = folder.resolve("shared");
        Path planted = root.resolve("trainer").resolve(hash("trainer") + ".jar");
        Files.createDirectories(planted.getParent());
        Files.writeString(planted, "planted");
        Files.setPosixFilePermissions(root, PosixFilePermissions.fromString("rwxr-xr-x"));
        HostCache closed = new HostCache(root);
        assertThat(install(closed, "trainer")).isEqualTo(planted).hasContent("trainer");
        assertThat(Files.getPosixFilePermissions(root)).isEqualTo(PosixFilePermissions.fromString("rwx------"));

        Files.writeString(planted, "PLANTED");
        assertThat(install(closed, "trainer")).hasContent("trainer");
        assertThat(install(new HostCache(root), "trainer")).hasContent("trainer");
    }

    @Test
    void aPlantedJarIsFoundThoughItsSizeTimeAndChecksumAreThoseOfTheTrainers() throws Exception {
        Path root = folder.resolve("shared");
        Path jar = install(new HostCache(root), "trainer", "PLANTED");
        FileTime time = Files.getLastModifiedTime(jar);
        Files.writeString(jar, "PLANTED");
        Files.setLastModifiedTime(jar, time);
        assertThat(install(new HostCache(root), "trainer", "PLANTED")).hasContent("trainer");
    }

    @Test
    void aJarThatNobodyHasTouchedIsComparedByItsChecksumAlone() throws Exception {
        Path root = folder.resolve("shared");
        install(new HostCache(root), "trainer", "another");
        // The jar has not this checksum: a process that computes it makes the jar anew.
        AtomicInteger made = new AtomicInteger();
        new HostCache(root).installJar(hash("trainer"), 1, () -> {
            made.incrementAndGet();
            return new ByteArrayInputStream("trainer".getBytes(StandardCharsets.UTF_8));
        });
        assertThat(made).hasValue(1);
    }

    @Test
    void aCopyOfAShardThatWasChangedSinceIsMadeAnewBeforeItIsUsed() throws Exception {
        Path copy = cache.shard(storage, directory, CORPUS);
        Files.write(copy.resolve("train.bin"), new byte[] {0, 0, 0, 0});
        assertThat(cache.shard(storage, directory, CORPUS).resolve("train.bin")).hasBinaryContent(TOKENS);
        Files.delete(copy.resolve("validation.bin"));
        assertThat(new HostCache(folder.resolve("cache"))
                        .shard(storage, directory, CORPUS)
                        .resolve("validation.bin"))
                .hasBinaryContent(TOKENS);
    }

    @Test
    void theScratchOfAProcessThatWasKilledGoesWhenTheNextOneComesAndThatOfALivingOneStays() throws Exception {
        Path parent = folder.resolve("cache/scratch");
        try (HostScratch living = cache.scratch()) {
            Files.writeString(living.folder().resolve("checkpoint"), "state");
            Path abandoned = Files.createDirectories(parent.resolve("0123/cell"));
            Files.writeString(abandoned.resolve("checkpoint"), "state");
            Files.writeString(parent.resolve("0123.1.lock"), "");
            Path unknown = Files.createDirectories(parent.resolve("4567"));
            Path forgotten = Files.createDirectories(parent.resolve("89ab"));
            age(forgotten);
            try (HostScratch next = cache.scratch()) {
                assertThat(next.folder()).isEmptyDirectory();
                assertThat(living.folder().resolve("checkpoint")).exists();
                assertThat(parent.resolve("0123")).doesNotExist();
                assertThat(parent.resolve("0123.1.lock")).doesNotExist();
                assertThat(forgotten).doesNotExist();
                assertThat(unknown).exists();
            }
        }
        assertThat(parent).isDirectoryNotContaining("glob:**.lock");
    }

    @Test
    void theScratchOfAnExecutorThatWasKilledGoesWhenTheNextOneComes() throws Exception {
        Process executor = new ProcessBuilder(
                        Path.of(System.getProperty("java.home"), "bin", "java").toString(),
                        "-cp",
                        System.getProperty("java.class.path"),
                        ScratchHolder.class.getName(),
                        folder.resolve("cache").toString())
                .redirectError(ProcessBuilder.Redirect.INHERIT)
                .start();
        try (BufferedReader words = executor.inputReader()) {
            Path scratch = Path.of(words.readLine());
            try (HostScratch beside = cache.scratch()) {
                assertThat(scratch.resolve("checkpoint")).exists();
                executor.destroyForcibly().waitFor();
                assertThat(scratch.resolve("checkpoint")).exists();
                try (HostScratch next = cache.scratch()) {
                    assertThat(scratch).doesNotExist();
                    assertThat(beside.folder()).exists();
                    assertThat(next.folder()).exists();
                }
            }
            assertThat(scratch.getParent()).isEmptyDirectory();
        } finally {
            executor.destroyForcibly();
        }
    }

    @Test
    void anUpgradeRemovesTrainersThatNobodyUsedForLongAndTheirLibrariesAndNoOthers() throws Exception {
        Path old = install("old");
        Path used = install("used");
        Path recent = install("recent");
        for (Path jar : List.of(old, used, recent)) {
            Files.writeString(
                    Files.createDirectories(cache.nativeLibraries(jar)).resolve("libnd4j.so"), "code");
        }
        Path named = Files.createDirectories(cache.nativeLibraries(folder.resolve("my-trainer.jar")));
        Path killed = Files.writeString(old.resolveSibling(".old.jar.half-a-copy"), "PK");
        Path copying = Files.writeString(old.resolveSibling(".new.jar.half-a-copy"), "PK");
        age(lock(old));
        age(lock(used));
        age(old);
        age(used);
        age(killed);
        age(named);

        // Asked for again, found in place, and so in use.
        assertThat(install("used")).isEqualTo(used);
        assertThat(old).exists();

        install("new");
        assertThat(old).doesNotExist();
        assertThat(cache.nativeLibraries(old)).doesNotExist();
        assertThat(killed).doesNotExist();
        for (Path jar : List.of(used, recent)) {
            assertThat(jar).hasContent(jar.equals(used) ? "used" : "recent");
            assertThat(cache.nativeLibraries(jar).resolve("libnd4j.so")).exists();
        }
        assertThat(named).exists();
        assertThat(copying).exists();
        assertThat(install("old")).hasContent("old");
    }

    @Test
    void aTrainerThatAnotherExecutorIsTakingIsNotRemoved() throws Exception {
        Path old = install("old");
        Path lock = lock(old);
        age(lock);
        try (FileChannel channel = FileChannel.open(lock, StandardOpenOption.WRITE);
                FileLock held = channel.lock()) {
            assertThat(held.isValid()).isTrue();
            install("new");
            assertThat(old).exists();
        }
        install("newer");
        assertThat(old).doesNotExist();
    }

    @Test
    void shardsThatNobodyUsedForLongGoWhenAnotherComes() throws Exception {
        Path copy = cache.shard(storage, directory, CORPUS);
        age(copy.resolveSibling("." + CORPUS + ".lock"));
        Path other = Files.createDirectories(stored.resolveSibling("badcafe"));
        for (String file : List.of(ShardManifest.FILE_NAME, "train.bin", "validation.bin")) {
            Files.copy(stored.resolve(file), other.resolve(file));
        }
        Path second = cache.shard(storage, directory, "badcafe");
        assertThat(second.resolve("train.bin")).hasBinaryContent(TOKENS);
        assertThat(copy).doesNotExist();
    }

    @Test
    void whoAsksForAnOldTrainerWhileAnotherUpgradesGetsOne() throws Exception {
        for (int round = 0; round < 100; round++) {
            Path old = install("old-" + round);
            age(lock(old));
            String upgrade = "new-" + round;
            CyclicBarrier together = new CyclicBarrier(2);
            FutureTask<Path> remover = new FutureTask<>(() -> {
                together.await();
                return install(upgrade);
            });
            Thread thread = new Thread(remover);
            thread.start();
            together.await();
            Path asked = install("old-" + round);
            remover.get();
            assertThat(asked).hasContent("old-" + round);
        }
    }

    /** A jar of this content. */
    private Path install(String content) throws IOException, InterruptedException {
        return install(cache, content);
    }

    private static Path install(HostCache cache, String content) throws IOException, InterruptedException {
        return install(cache, content, content);
    }

    /** @param likewise text of the checksum that is asked for */
    private static Path install(HostCache cache, String content, String likewise)
            throws IOException, InterruptedException {
        byte[] bytes = content.getBytes(StandardCharsets.UTF_8);
        CRC32 checksum = new CRC32();
        checksum.update(likewise.getBytes(StandardCharsets.UTF_8));
        return cache.installJar(hash(content), checksum.getValue(), () -> new ByteArrayInputStream(bytes));
    }

    private static String hash(String content) throws IOException {
        return Digests.sha256(new ByteArrayInputStream(content.getBytes(StandardCharsets.UTF_8)));
    }

    private static Path lock(Path jar) {
        return jar.resolveSibling("." + jar.getFileName() + ".lock");
    }

    private static void age(Path path) throws IOException {
        Files.setLastModifiedTime(
                path, FileTime.from(Instant.now().minus(HostCache.UNUSED).minusSeconds(60)));
    }
}
