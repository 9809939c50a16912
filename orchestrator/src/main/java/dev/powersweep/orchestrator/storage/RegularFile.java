package dev.powersweep.orchestrator.storage;

import java.io.IOException;
import java.nio.channels.FileChannel;
import java.nio.file.Files;
import java.nio.file.LinkOption;
import java.nio.file.OpenOption;
import java.nio.file.Path;
import java.nio.file.StandardOpenOption;
import java.nio.file.attribute.BasicFileAttributes;
import java.util.Arrays;
import java.util.Objects;
import java.util.Optional;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.Future;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.TimeoutException;
import java.util.stream.Stream;

/**
 * Opens local files that somebody else may exchange at any moment, also between a look at one and its opening.
 *
 * <p>Opening a pipe waits until somebody writes to it, and Java cannot open without waiting. So another thread opens,
 * and while it waits this one looks again: what is no regular file any more is refused. What was opened is compared with
 * what was looked at, before anything is read.
 *
 * <p>Does not cover: a file exchanged for a device and back, all between the two looks. Readers are bounded.
 */
final class RegularFile {
    private static final long MILLIS_BETWEEN_LOOKS = 200;
    /** A file that is replaced this often between look and opening is none to be read. */
    private static final int MOST_LOOKS = 100;

    /** Idle threads end after a minute, and none keeps the process alive. */
    private static final ExecutorService OPENERS = Executors.newCachedThreadPool(task -> {
        Thread thread = new Thread(task, "opener");
        thread.setDaemon(true);
        return thread;
    });

    private RegularFile() {}

    /**
     * Opens a file for reading.
     *
     * @param links whether the file itself may be a link
     * @throws IOException for anything but a regular file
     */
    static FileChannel open(Path file, LinkOption... links) throws IOException {
        for (int look = 1; ; look++) {
            Object looked = key(file, links);
            Optional<FileChannel> same = same(file, looked, opened(file, links), links);
            if (same.isPresent()) {
                return same.get();
            }
            if (look == MOST_LOOKS) {
                throw exchanged(file);
            }
        }
    }

    /**
     * What was opened, if it is what was looked at; else it is closed. Empty where another regular file stands there now,
     * as when a writer replaces a file by a rename: that one is to be looked at.
     *
     * @throws IOException for anything but a regular file
     */
    static Optional<FileChannel> same(Path file, Object looked, FileChannel channel, LinkOption... links)
            throws IOException {
        boolean same = false;
        try {
            if (!hasPosition(channel)) {
                throw exchanged(file);
            }
            same = Objects.equals(looked, key(file, links));
            return same ? Optional.of(channel) : Optional.empty();
        } finally {
            if (!same) {
                channel.close();
            }
        }
    }

    /** A pipe that another opener has let go has none. */
    private static boolean hasPosition(FileChannel channel) {
        try {
            return channel.position() >= 0;
        } catch (IOException e) {
            return false;
        }
    }

    /** The step after the look. */
    static FileChannel opened(Path file, LinkOption... links) throws IOException {
        OpenOption[] options = options(StandardOpenOption.READ, links);
        Future<FileChannel> opening = OPENERS.submit(() -> FileChannel.open(file, options));
        boolean interrupted = false;
        try {
            while (true) {
                try {
                    return opening.get(MILLIS_BETWEEN_LOOKS, TimeUnit.MILLISECONDS);
                } catch (TimeoutException e) {
                    // A disk may be slow; a pipe never answers.
                    if (!Files.readAttributes(file, BasicFileAttributes.class, links)
                            .isRegularFile()) {
                        release(file);
                        throw exchanged(file);
                    }
                } catch (ExecutionException e) {
                    if (e.getCause() instanceof IOException failure) {
                        throw failure;
                    }
                    throw new IOException(file + " cannot be opened: " + e.getCause(), e);
                } catch (InterruptedException e) {
                    // Kept for whoever waits for something that can be given up.
                    interrupted = true;
                }
            }
        } finally {
            if (interrupted) {
                Thread.currentThread().interrupt();
            }
        }
    }

    /** Lets the thread go that waits for a writer of a pipe. */
    private static void release(Path file) {
        OPENERS.execute(() -> {
            try {
                FileChannel.open(file, options(StandardOpenOption.WRITE, LinkOption.NOFOLLOW_LINKS))
                        .close();
            } catch (IOException e) {
                // Gone or not ours to write to: the thread waits on, and keeps nothing alive.
                return;
            }
        });
    }

    static Object key(Path file, LinkOption... links) throws IOException {
        BasicFileAttributes found = Files.readAttributes(file, BasicFileAttributes.class, links);
        if (!found.isRegularFile()) {
            throw new IOException(file + " is no regular file");
        }
        return found.fileKey();
    }

    private static IOException exchanged(Path file) {
        return new IOException(file + " was exchanged for something else while it was opened");
    }

    private static OpenOption[] options(StandardOpenOption first, LinkOption... links) {
        return Stream.concat(Stream.of(first), Arrays.stream(links)).toArray(OpenOption[]::new);
    }
}
