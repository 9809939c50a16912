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
 * <p>The system answers a read behind the end of a file that was shortened while it is mapped by SIGBUS, and the JVM makes
 * an {@link InternalError} of that: inside the read, where it becomes a {@link ShardException} that names the file, or, in
 * compiled code, soon after it. Safe for use by several threads.
 */
final class MappedTokens {
    /** Bytes of a mapping; a multiple of every token's size. */
    static final long SEGMENT_BYTES = 1L << 30;

    private final Path file;
    private final TokenType type;
    private final long tokens;
    private final long segmentBytes;
    private final MappedByteBuffer[] segments;

    private MappedTokens(Path file, TokenType type, long tokens, long segmentBytes, MappedByteBuffer[] segments) {
        this.file = file;
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
            return new MappedTokens(file, type, bytes / type.bytes(), segmentBytes, segments);
        }
    }

    long tokens() {
        return tokens;
    }

    /**
     * Copies tokens [{@code position}, {@code position + count}) to {@code target} from {@code offset} on.
     *
     * @throws ShardException when the file has become shorter since it was mapped
     */
    void read(long position, int count, int[] target, int offset) {
        try {
            copy(position, count, target, offset);
        } catch (InternalError e) {
            throw shortened(e);
        }
    }

    private ShardException shortened(InternalError e) {
        return ShardException.damaged(
                "The token file " + file + " became shorter while it was read: " + e.getMessage()
                        + "; copy the shard again, and look at what else writes there.",
                e);
    }

    private void copy(long position, int count, int[] target, int offset) {
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
                case UINT32 -> {
                    for (int i = 0; i < part; i++) {
                        target[offset + done + i] = segment.getInt(at + 4 * i);
                    }
                }
            }
            done += part;
            next += (long) part * type.bytes();
        }
    }

    long crc32c() {
        CRC32C crc = new CRC32C();
        try {
            for (MappedByteBuffer segment : segments) {
                crc.update(segment.duplicate());
            }
        } catch (InternalError e) {
            throw shortened(e);
        }
        return crc.getValue();
    }

    /** The largest token, unsigned; −1 when there is none. */
    long largest() {
        long largest = -1;
        for (MappedByteBuffer segment : segments) {
            ByteBuffer view = segment.duplicate().order(ByteOrder.LITTLE_ENDIAN);
            while (view.remaining() >= type.bytes()) {
                long token =
                        switch (type) {
                            case UINT8 -> Byte.toUnsignedLong(view.get());
                            case UINT16 -> Short.toUnsignedLong(view.getShort());
                            case UINT32 -> Integer.toUnsignedLong(view.getInt());
                        };
                largest = Math.max(largest, token);
            }
        }
        return largest;
    }
}
