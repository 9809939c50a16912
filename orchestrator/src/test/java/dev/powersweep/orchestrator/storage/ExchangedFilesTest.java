package dev.powersweep.orchestrator.storage;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.io.IOException;
import java.nio.channels.FileChannel;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.StandardCopyOption;
import java.nio.file.StandardOpenOption;
import java.time.Duration;
import java.util.concurrent.atomic.AtomicBoolean;
import java.util.concurrent.atomic.AtomicReference;
import org.apache.hadoop.conf.Configuration;
import org.apache.hadoop.fs.Path;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;

/** Whoever may write to a directory exchanges its files for something else while they are looked at and opened. */
class ExchangedFilesTest {
    @TempDir
    java.nio.file.Path folder;

    /** The limit is for a reader that waits for a pipe's writer, who never comes. */
    @Test
    @Timeout(value = 60, threadMode = Timeout.ThreadMode.SEPARATE_THREAD)
    void aFileThatBecomesAPipeAndBackIsReadOrRefusedAndNeverWaitedFor() throws Exception {
        java.nio.file.Path file = Files.writeString(folder.resolve("file"), "content");
        java.nio.file.Path pipe = pipe();
        java.nio.file.Path name = Files.createLink(folder.resolve("name"), file);
        AtomicBoolean over = new AtomicBoolean();
        AtomicReference<Exception> failure = new AtomicReference<>();
        Thread attacker = new Thread(() -> {
            try {
                for (int i = 0; !over.get(); i++) {
                    java.nio.file.Path next = Files.createLink(folder.resolve("next"), i % 2 == 0 ? pipe : file);
                    Files.move(next, name, StandardCopyOption.ATOMIC_MOVE);
                    Files.deleteIfExists(next);
                }
            } catch (IOException e) {
                failure.set(e);
            }
        });
        attacker.setDaemon(true);
        attacker.start();
        int whole = 0;
        int refused = 0;
        Storage storage = Storage.of(new Path(folder.toUri()), new Configuration());
        // A reader looks again after a fifth of a second.
        long end = System.nanoTime() + Duration.ofSeconds(15).toNanos();
        for (int i = 0; i < 2000 && System.nanoTime() < end; i++) {
            try {
                assertThat(storage.read(new Path(name.toUri()))).isEqualTo("content".getBytes(StandardCharsets.UTF_8));
                whole++;
            } catch (IOException e) {
                assertThat(e.getMessage()).containsAnyOf("no regular file", "was exchanged");
                refused++;
            }
        }
        over.set(true);
        attacker.join();
        assertThat(failure.get()).isNull();
        assertThat(whole).isPositive();
        assertThat(refused).isPositive();
    }

    /** A heartbeat is, every few seconds, while others look at it. */
    @Test
    @Timeout(value = 60, threadMode = Timeout.ThreadMode.SEPARATE_THREAD)
    void aFileThatIsReplacedByItsWriterIsReadAsItWasOrAsItIs() throws Exception {
        java.nio.file.Path name = Files.writeString(folder.resolve("name"), "content");
        AtomicBoolean over = new AtomicBoolean();
        AtomicReference<Exception> failure = new AtomicReference<>();
        Thread writer = new Thread(() -> {
            try {
                while (!over.get()) {
                    java.nio.file.Path next = Files.writeString(folder.resolve("next"), "content");
                    Files.move(next, name, StandardCopyOption.ATOMIC_MOVE);
                }
            } catch (IOException e) {
                failure.set(e);
            }
        });
        writer.setDaemon(true);
        writer.start();
        Storage storage = Storage.of(new Path(folder.toUri()), new Configuration());
        for (int i = 0; i < 3000; i++) {
            assertThat(storage.read(new Path(name.toUri()))).isEqualTo("content".getBytes(StandardCharsets.UTF_8));
        }
        over.set(true);
        writer.join();
        assertThat(failure.get()).isNull();
    }

    /** Each of them, as the moment after the look. */
    @Test
    @Timeout(value = 60, threadMode = Timeout.ThreadMode.SEPARATE_THREAD)
    void aPipeThatNobodyWritesToIsToldWhileItIsBeingOpened() throws Exception {
        java.nio.file.Path pipe = pipe();
        assertThatThrownBy(() -> RegularFile.opened(pipe))
                .isInstanceOf(IOException.class)
                .hasMessageContaining(pipe + " was exchanged for something else");
    }

    /** A pipe stood there at the opening, had a writer, and the file is back before it is looked at. */
    @Test
    @Timeout(value = 60, threadMode = Timeout.ThreadMode.SEPARATE_THREAD)
    void aPipeThatWasOpenedIsToldAsExchanged() throws Exception {
        java.nio.file.Path file = Files.writeString(folder.resolve("file"), "content");
        java.nio.file.Path pipe = pipe();
        try (FileChannel both = FileChannel.open(pipe, StandardOpenOption.READ, StandardOpenOption.WRITE)) {
            assertThatThrownBy(() -> RegularFile.same(file, RegularFile.key(file), RegularFile.opened(pipe)))
                    .isInstanceOf(IOException.class)
                    .hasMessageContaining(file + " was exchanged for something else");
        }
    }

    /** What stands there now has not been looked at; what was opened is let go. */
    @Test
    void aFileThatWasOpenedInPlaceOfAnotherIsLookedAtAgain() throws Exception {
        java.nio.file.Path looked = Files.writeString(folder.resolve("looked"), "content");
        java.nio.file.Path exchanged = Files.writeString(folder.resolve("exchanged"), "another");
        FileChannel channel = RegularFile.opened(exchanged);
        assertThat(RegularFile.same(exchanged, RegularFile.key(looked), channel))
                .isEmpty();
        assertThat(channel.isOpen()).isFalse();
    }

    @Test
    void aFileThatBecomesALinkIsNotFollowed() throws Exception {
        java.nio.file.Path secret = Files.writeString(folder.resolve("secret"), "secret");
        java.nio.file.Path link = Files.createSymbolicLink(folder.resolve("link"), secret);
        assertThatThrownBy(
                        () -> RegularFile.opened(link, LocalTree.below(folder).links()))
                .isInstanceOf(IOException.class);
        assertThat(RegularFile.opened(link).size()).isEqualTo(6);
    }

    /** A sparse file costs its writer nothing and its reader a disk. */
    @Test
    void aFileLargerThanTheDiskIsNotCopied() throws Exception {
        java.nio.file.Path sparse = folder.resolve("sparse");
        try (java.io.RandomAccessFile file = new java.io.RandomAccessFile(sparse.toFile(), "rw")) {
            file.setLength(8L << 40);
        }
        Storage storage = Storage.of(new Path(folder.toUri()), new Configuration());
        assertThatThrownBy(() -> storage.download(new Path(sparse.toUri()), folder.resolve("copy")))
                .isInstanceOf(IOException.class)
                .hasMessageContaining("has 8796093022208 bytes");
        assertThat(folder.resolve("copy")).doesNotExist();
    }

    private java.nio.file.Path pipe() throws Exception {
        java.nio.file.Path pipe = folder.resolve("pipe");
        assertThat(new ProcessBuilder("mkfifo", pipe.toString()).start().waitFor())
                .isZero();
        return pipe;
    }
}
