package dev.powersweep.orchestrator.run;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.powersweep.orchestrator.storage.Storage;
import dev.powersweep.orchestrator.storage.SweepDirectory;
import dev.powersweep.worker.cell.CellJson;
import dev.powersweep.worker.shard.ShardManifest;
import dev.powersweep.worker.shard.TokenType;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.zip.CRC32C;
import org.apache.hadoop.conf.Configuration;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** Shards on their way from a storage elsewhere, which a folder stands for, to a host. */
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
}
