package dev.powersweep.orchestrator.executor;

import java.io.IOException;
import java.io.RandomAccessFile;
import java.nio.charset.StandardCharsets;
import java.nio.file.Path;

/** What a program has written to a file, without all of a long one. */
final class LogText {
    private LogText() {}

    /** At most {@code limit} bytes: beginning and end. */
    static byte[] ends(Path log, int limit) throws IOException {
        try (RandomAccessFile file = new RandomAccessFile(log.toFile(), "r")) {
            long length = file.length();
            if (length <= limit) {
                return slice(file, 0, (int) length);
            }
            byte[] head = slice(file, 0, limit / 2);
            byte[] gap = ("\n… " + (length - limit) + " bytes left out …\n").getBytes(StandardCharsets.UTF_8);
            byte[] tail = slice(file, length - limit / 2, limit / 2);
            byte[] all = new byte[head.length + gap.length + tail.length];
            System.arraycopy(head, 0, all, 0, head.length);
            System.arraycopy(gap, 0, all, head.length, gap.length);
            System.arraycopy(tail, 0, all, head.length + gap.length, tail.length);
            return all;
        }
    }

    /** The last {@code limit} bytes. */
    static String end(Path log, int limit) throws IOException {
        try (RandomAccessFile file = new RandomAccessFile(log.toFile(), "r")) {
            int length = (int) Math.min(limit, file.length());
            return new String(slice(file, file.length() - length, length), StandardCharsets.UTF_8);
        }
    }

    private static byte[] slice(RandomAccessFile file, long from, int length) throws IOException {
        byte[] bytes = new byte[length];
        file.seek(from);
        file.readFully(bytes);
        return bytes;
    }
}
