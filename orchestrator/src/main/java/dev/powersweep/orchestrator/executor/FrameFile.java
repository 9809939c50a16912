package dev.powersweep.orchestrator.executor;

import java.io.ByteArrayOutputStream;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.channels.SeekableByteChannel;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.LinkOption;
import java.nio.file.NoSuchFileException;
import java.nio.file.Path;
import java.nio.file.attribute.BasicFileAttributes;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Objects;

/**
 * Follows a file that a program adds lines to. A plain file rather than a pipe: the program never waits while results are
 * stored, and may open it as often and from as many processes as it likes.
 */
final class FrameFile implements AutoCloseable {
    /** So that one call does not hold the supervisor up. */
    private static final int MOST_BYTES = 4 << 20;

    private static final int LONGEST_LINE = 64 << 20;
    private static final int TAIL_BYTES = 64;

    private final Path path;
    private final SeekableByteChannel channel;
    private final Object key;
    /** The last bytes that were read. */
    private byte[] tail = new byte[0];

    private final ByteBuffer buffer = ByteBuffer.allocate(1 << 16);
    private ByteArrayOutputStream line = new ByteArrayOutputStream();

    /** Makes the file, empty. */
    FrameFile(Path path) throws IOException {
        this.path = path;
        Files.write(path, new byte[0]);
        this.channel = Files.newByteChannel(path);
        this.key = Files.readAttributes(path, BasicFileAttributes.class).fileKey();
    }

    Path path() {
        return path;
    }

    /** Lines that were ended since the last call; none when there is nothing new. */
    List<String> read() throws IOException {
        requireGrown();
        List<String> lines = new ArrayList<>();
        int taken = 0;
        while (taken < MOST_BYTES) {
            buffer.clear();
            int read = channel.read(buffer);
            if (read <= 0) {
                break;
            }
            taken += read;
            byte[] bytes = buffer.array();
            remember(bytes, read);
            int from = 0;
            for (int i = 0; i < read; i++) {
                if (bytes[i] == '\n') {
                    line.write(bytes, from, i - from);
                    lines.add(line.toString(StandardCharsets.UTF_8));
                    line.reset();
                    from = i + 1;
                }
            }
            line.write(bytes, from, read - from);
            if (line.size() > LONGEST_LINE) {
                throw new IOException("a line of " + path + " is longer than " + LONGEST_LINE + " bytes");
            }
        }
        return lines;
    }

    /** Lines that were taken back may have been read or not: what follows them is no account of the run. */
    private void requireGrown() throws IOException {
        Object now;
        try {
            now = Files.readAttributes(path, BasicFileAttributes.class, LinkOption.NOFOLLOW_LINKS)
                    .fileKey();
        } catch (NoSuchFileException e) {
            throw new IOException(
                    path + " (POWERSWEEP_FRAMES) was removed; a program adds lines to it and leaves it", e);
        }
        if (!Objects.equals(now, key)) {
            throw new IOException(
                    path + " (POWERSWEEP_FRAMES) is another file now; a program adds lines to the one it was given");
        }
        if (!endsAsRead()) {
            throw new IOException(
                    path + " (POWERSWEEP_FRAMES) no longer holds what was read of it; a program adds lines"
                            + " to it and takes none back, so open it to append");
        }
    }

    private boolean endsAsRead() throws IOException {
        long position = channel.position();
        if (channel.size() < position) {
            return false;
        }
        ByteBuffer found = ByteBuffer.allocate(tail.length);
        channel.position(position - tail.length);
        while (found.hasRemaining() && channel.read(found) > 0) {
            continue;
        }
        channel.position(position);
        return Arrays.equals(found.array(), tail);
    }

    /** Remembers the end of what has been read. */
    private void remember(byte[] bytes, int count) {
        byte[] all = Arrays.copyOf(tail, tail.length + count);
        System.arraycopy(bytes, 0, all, tail.length, count);
        tail = Arrays.copyOfRange(all, Math.max(0, all.length - TAIL_BYTES), all.length);
    }

    /** What follows the last line end, once nobody writes any more. */
    List<String> rest() {
        String text = line.toString(StandardCharsets.UTF_8);
        line = new ByteArrayOutputStream();
        return text.isBlank() ? List.of() : List.of(text);
    }

    @Override
    public void close() throws IOException {
        channel.close();
    }
}
