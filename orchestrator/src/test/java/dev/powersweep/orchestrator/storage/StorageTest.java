package dev.powersweep.orchestrator.storage;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.FileAlreadyExistsException;
import java.nio.file.Files;
import java.nio.file.NoSuchFileException;
import java.util.concurrent.CyclicBarrier;
import java.util.concurrent.atomic.AtomicInteger;
import org.apache.hadoop.conf.Configuration;
import org.apache.hadoop.fs.FileSystem;
import org.apache.hadoop.fs.Path;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.EnumSource;

/** What every storage promises, for both roads to a file system. */
class StorageTest {
    @TempDir
    java.nio.file.Path folder;

    enum Road {
        LOCAL,
        HADOOP
    }

    private static Storage storage(Road road) throws IOException {
        Configuration configuration = new Configuration();
        return switch (road) {
            case LOCAL -> new LocalStorage(LocalTree.everywhere());
            case HADOOP -> new HadoopStorage(FileSystem.getLocal(configuration), configuration);
        };
    }

    private Path path(String name) {
        return new Path(folder.resolve(name).toUri());
    }

    @ParameterizedTest
    @EnumSource
    void aNameThatIsTakenIsRefusedAndItsFileLeftAsItIs(Road road) throws IOException {
        Storage storage = storage(road);
        storage.createNew(path("d/file"), bytes("first"));
        assertThatThrownBy(() -> storage.createNew(path("d/file"), bytes("second")))
                .isInstanceOf(FileAlreadyExistsException.class);
        assertThat(storage.read(path("d/file"))).isEqualTo(bytes("first"));
        assertThat(storage.list(path("d")))
                .extracting(Storage.Entry::name)
                .filteredOn(name -> !name.endsWith(".crc"))
                .containsExactly("file");
    }

    @ParameterizedTest
    @EnumSource
    void aLocalFileThatHasGoneIsToldApartFromAStorageInTrouble(Road road) throws IOException {
        Storage storage = storage(road);
        java.nio.file.Path local = folder.resolve("checkpoint");
        assertThatThrownBy(() -> storage.upload(local, path("d/file"))).isInstanceOf(NoSuchFileException.class);
        Files.writeString(local, "weights");
        storage.upload(local, path("d/file"));
        assertThat(storage.read(path("d/file"))).isEqualTo(bytes("weights"));
    }

    @ParameterizedTest
    @EnumSource
    void aFileIsReplacedAsAWhole(Road road) throws IOException {
        Storage storage = storage(road);
        storage.replace(path("d/file"), bytes("first"));
        storage.replace(path("d/file"), bytes("second"));
        assertThat(storage.read(path("d/file"))).isEqualTo(bytes("second"));
    }

    @ParameterizedTest
    @EnumSource
    void filesTravelUpAndDown(Road road) throws IOException {
        Storage storage = storage(road);
        java.nio.file.Path local = Files.writeString(folder.resolve("local"), "content", StandardCharsets.UTF_8);
        storage.upload(local, path("up/stored"));
        storage.download(path("up/stored"), folder.resolve("down/again"));
        assertThat(folder.resolve("down/again")).hasContent("content");
        storage.delete(path("up"));
        storage.delete(path("up"));
        assertThat(storage.exists(path("up/stored"))).isFalse();
        assertThat(storage.list(path("up"))).isEmpty();
    }

    @ParameterizedTest
    @EnumSource(names = "LOCAL")
    void ofManyWritersOfOneNameOneSucceeds(Road road) throws Exception {
        Storage storage = storage(road);
        storage.makeDirectory(path("race"));
        for (int round = 0; round < 10; round++) {
            Path file = path("race/file-" + round);
            int writers = 4;
            AtomicInteger winners = new AtomicInteger();
            CyclicBarrier together = new CyclicBarrier(writers);
            Thread[] threads = new Thread[writers];
            for (int i = 0; i < writers; i++) {
                byte[] content = bytes("writer " + i);
                threads[i] = new Thread(() -> {
                    try {
                        together.await();
                        storage.createNew(file, content);
                        winners.incrementAndGet();
                    } catch (FileAlreadyExistsException e) {
                        // Another writer was first.
                        return;
                    } catch (Exception e) {
                        throw new IllegalStateException(e);
                    }
                });
                threads[i].start();
            }
            for (Thread thread : threads) {
                thread.join();
            }
            assertThat(winners).hasValue(1);
        }
    }

    private static byte[] bytes(String text) {
        return text.getBytes(StandardCharsets.UTF_8);
    }
}
