package dev.powersweep.orchestrator.executor;

import java.io.ByteArrayOutputStream;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.channels.SeekableByteChannel;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;

/**
 * Follows a file that a program adds lines to. A plain file rather than a pipe: the program never waits while results are
 * stored, and may open it as often and from as many processes as it likes.
 */
final class FrameFile implements AutoCloseable {
    /** So that one call does not hold the supervisor up. */
    private static final int MOST_BYTES = 4 << 20;

    private static final int LONGEST_LINE = 64 << 20;

    private final Path path;
    private final SeekableByteChannel channel;
    private final ByteBuffer buffer = ByteBuffer.allocate(1 << 16);
    private ByteArrayOutputStream line = new ByteArrayOutputStream();

    /** Makes the file, empty. */
    FrameFile(Path path) throws IOException {
        this.path = path;
        Files.write(path, new byte[0]);
        this.channel = Files.newByteChannel(path);
    }

    Path path() {
        return path;
    }

    /** Lines that were ended since the last call; none when there is nothing new. */
    List<String> read() throws IOException {
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
