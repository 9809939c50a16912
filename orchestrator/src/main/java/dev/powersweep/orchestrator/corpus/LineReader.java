package dev.powersweep.orchestrator.corpus;

import java.io.Closeable;
import java.io.IOException;
import java.io.InputStream;
import java.util.Arrays;

/** Lines of a stream as bytes in a buffer that is used again. */
final class LineReader implements Closeable {
    /** Bytes of a line at most. */
    static final int LONGEST_LINE = 256 << 20;

    private final InputStream stream;
    private byte[] buffer = new byte[1 << 20];
    private int start;
    private int end;
    private int filled;
    private long bufferOffset;
    private boolean atEnd;

    /** @param offset of the stream's first byte in its file, for {@link #offset()} */
    LineReader(InputStream stream, long offset) {
        this.stream = stream;
        this.bufferOffset = offset;
    }

    /** Moves to the next line; false at the end. */
    boolean next() throws IOException {
        start = end;
        int searched = start;
        while (true) {
            for (int i = searched; i < filled; i++) {
                if (buffer[i] == '\n') {
                    end = i + 1;
                    return true;
                }
            }
            if (atEnd) {
                end = filled;
                return end > start;
            }
            searched = filled - start;
            fill();
            searched += start;
        }
    }

    private void fill() throws IOException {
        if (start > 0) {
            System.arraycopy(buffer, start, buffer, 0, filled - start);
            bufferOffset += start;
            filled -= start;
            end -= start;
            start = 0;
        }
        if (filled == buffer.length) {
            if (filled >= LONGEST_LINE) {
                throw new IOException("the line at byte " + offset() + " is longer than " + LONGEST_LINE
                        + " bytes; JSON Lines hold one object a line");
            }
            buffer = Arrays.copyOf(buffer, 2 * buffer.length);
        }
        int read = stream.read(buffer, filled, buffer.length - filled);
        if (read < 0) {
            atEnd = true;
        } else {
            filled += read;
        }
    }

    byte[] buffer() {
        return buffer;
    }

    /** Start of the line in {@link #buffer()}. */
    int from() {
        return start;
    }

    /** End of the line, behind its line end. */
    int to() {
        return end;
    }

    /** Where the line starts in its file, or in what the file unpacks to. */
    long offset() {
        return bufferOffset + start;
    }

    @Override
    public void close() throws IOException {
        stream.close();
    }
}
