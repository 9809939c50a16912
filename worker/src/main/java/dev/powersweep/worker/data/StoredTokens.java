package dev.powersweep.worker.data;

import dev.powersweep.worker.shard.TokenType;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.channels.FileChannel;
import java.nio.file.Path;
import java.nio.file.StandardOpenOption;
import java.util.function.Consumer;
import java.util.zip.CRC32C;

/**
 * The tokens of one file, read by position from the system's page cache.
 *
 * <p>The file is not mapped into memory: the system answers a read behind the end of a mapped file that was shortened by
 * SIGBUS, which ends the process or surfaces in unrelated code. A read of a window costs about a microsecond instead.
 * Safe for use by several threads, none of which may be interrupted: that would close the file.
 */
final class StoredTokens {
    /** Bytes of one read; a multiple of every token's size. */
    static final int BUFFER_BYTES = 1 << 16;

    private final Path file;
    private final TokenType type;
    private final long bytes;
    private final int bufferBytes;
    private final FileChannel channel;

    private StoredTokens(Path file, TokenType type, int bufferBytes, FileChannel channel) throws IOException {
        this.file = file;
        this.type = type;
        this.bytes = channel.size() / type.bytes() * type.bytes();
        this.bufferBytes = bufferBytes;
        this.channel = channel;
    }

    /** Opens a file for the life of the returned object. */
    static StoredTokens open(Path file, TokenType type) throws IOException {
        return open(file, type, BUFFER_BYTES);
    }

    /** @param bufferBytes bytes of one read, a multiple of the token's size; small in tests */
    static StoredTokens open(Path file, TokenType type, int bufferBytes) throws IOException {
        return new StoredTokens(file, type, bufferBytes, FileChannel.open(file, StandardOpenOption.READ));
    }

    long tokens() {
        return bytes / type.bytes();
    }

    /**
     * Copies tokens [{@code position}, {@code position + count}) to {@code target} from {@code offset} on.
     *
     * @throws ShardException when the file has become shorter since it was opened, or cannot be read
     */
    void read(long position, int count, int[] target, int offset) {
        if (position < 0 || count < 0 || position + count > tokens()) {
            throw new IndexOutOfBoundsException(
                    "tokens [" + position + ", " + (position + count) + ") of a file of " + tokens());
        }
        int[] done = {offset};
        each(position * type.bytes(), (long) count * type.bytes(), part -> {
            while (part.hasRemaining()) {
                target[done[0]++] = next(part);
            }
        });
    }

    long crc32c() {
        CRC32C crc = new CRC32C();
        each(0, bytes, crc::update);
        return crc.getValue();
    }

    /** The largest token, unsigned; −1 when there is none. */
    long largest() {
        long[] largest = {-1};
        each(0, bytes, part -> {
            while (part.hasRemaining()) {
                largest[0] = Math.max(largest[0], Integer.toUnsignedLong(next(part)));
            }
        });
        return largest[0];
    }

    private int next(ByteBuffer part) {
        return switch (type) {
            case UINT8 -> Byte.toUnsignedInt(part.get());
            case UINT16 -> Short.toUnsignedInt(part.getShort());
            case UINT32 -> part.getInt();
        };
    }

    /** Passes a range of bytes on in parts of whole tokens. */
    private void each(long start, long length, Consumer<ByteBuffer> parts) {
        ByteBuffer buffer =
                ByteBuffer.allocate((int) Math.min(bufferBytes, length)).order(ByteOrder.LITTLE_ENDIAN);
        for (long at = start; at < start + length; at += buffer.capacity()) {
            buffer.clear().limit((int) Math.min(buffer.capacity(), start + length - at));
            fill(buffer, at);
            parts.accept(buffer.flip());
        }
    }

    private void fill(ByteBuffer buffer, long at) {
        try {
            while (buffer.hasRemaining()) {
                if (channel.read(buffer, at + buffer.position()) < 0) {
                    throw ShardException.damaged("The token file " + file + " became shorter while it was read;"
                            + " copy the shard again, and look at what else writes there.");
                }
            }
        } catch (IOException e) {
            throw ShardException.damaged("The token file " + file + " cannot be read: " + e.getMessage() + ".", e);
        }
    }
}
