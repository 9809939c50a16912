package dev.powersweep.worker.data;

import dev.powersweep.worker.shard.TokenType;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.MappedByteBuffer;
import java.nio.channels.FileChannel;
import java.nio.file.Path;
import java.nio.file.StandardOpenOption;
import java.util.zip.CRC32C;

/**
 * The tokens of one file, mapped read-only. A mapping holds at most 2 GB, so a longer file has several, and a range may
 * cross from one to the next.
 *
 * <p>Assumes that the file is not shortened while it is mapped. Safe for use by several threads.
 */
final class MappedTokens {
    /** Bytes of a mapping; a multiple of every token's size. */
    static final long SEGMENT_BYTES = 1L << 30;

    private final TokenType type;
    private final long tokens;
    private final long segmentBytes;
    private final MappedByteBuffer[] segments;

    private MappedTokens(TokenType type, long tokens, long segmentBytes, MappedByteBuffer[] segments) {
        this.type = type;
        this.tokens = tokens;
        this.segmentBytes = segmentBytes;
        this.segments = segments;
    }

    static MappedTokens open(Path file, TokenType type) throws IOException {
        return open(file, type, SEGMENT_BYTES);
    }

    /** @param segmentBytes bytes of a mapping, a multiple of the token's size; small in tests */
    static MappedTokens open(Path file, TokenType type, long segmentBytes) throws IOException {
        try (FileChannel channel = FileChannel.open(file, StandardOpenOption.READ)) {
            long bytes = channel.size();
            MappedByteBuffer[] segments =
                    new MappedByteBuffer[Math.toIntExact((bytes + segmentBytes - 1) / segmentBytes)];
            for (int i = 0; i < segments.length; i++) {
                long start = i * segmentBytes;
                segments[i] = channel.map(FileChannel.MapMode.READ_ONLY, start, Math.min(segmentBytes, bytes - start));
                segments[i].order(ByteOrder.LITTLE_ENDIAN);
            }
            return new MappedTokens(type, bytes / type.bytes(), segmentBytes, segments);
        }
    }

    long tokens() {
        return tokens;
    }

    /** Copies tokens [{@code position}, {@code position + count}) to {@code target} from {@code offset} on. */
    void read(long position, int count, int[] target, int offset) {
        if (position < 0 || count < 0 || position + count > tokens) {
            throw new IndexOutOfBoundsException(
                    "tokens [" + position + ", " + (position + count) + ") of a file of " + tokens);
        }
        long next = position * type.bytes();
        int done = 0;
        while (done < count) {
            MappedByteBuffer segment = segments[(int) (next / segmentBytes)];
            int at = (int) (next % segmentBytes);
            int part = Math.min(count - done, (segment.capacity() - at) / type.bytes());
            switch (type) {
                case UINT8 -> {
                    for (int i = 0; i < part; i++) {
                        target[offset + done + i] = segment.get(at + i) & 0xff;
                    }
                }
                case UINT16 -> {
                    for (int i = 0; i < part; i++) {
                        target[offset + done + i] = segment.getShort(at + 2 * i) & 0xffff;
                    }
                }
            }
            done += part;
            next += (long) part * type.bytes();
        }
    }

    long crc32c() {
        CRC32C crc = new CRC32C();
        for (MappedByteBuffer segment : segments) {
            crc.update(segment.duplicate());
        }
        return crc.getValue();
    }

    /** The largest token; −1 when there is none. */
    int largest() {
        int largest = -1;
        for (MappedByteBuffer segment : segments) {
            ByteBuffer view = segment.duplicate().order(ByteOrder.LITTLE_ENDIAN);
            while (view.remaining() >= type.bytes()) {
                largest = Math.max(largest, type == TokenType.UINT8 ? view.get() & 0xff : view.getShort() & 0xffff);
            }
        }
        return largest;
    }
}
