package dev.powersweep.orchestrator.corpus;

import dev.powersweep.orchestrator.spec.CorpusSpec.Malformed;
import java.io.EOFException;
import java.io.IOException;
import java.io.InputStream;
import java.io.Serializable;
import java.nio.charset.StandardCharsets;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.Iterator;
import java.util.List;
import java.util.NoSuchElementException;
import org.apache.hadoop.conf.Configuration;
import org.apache.hadoop.fs.FSDataInputStream;
import org.apache.hadoop.fs.Path;

/**
 * Reads pieces of text files. Where a piece ends depends on the file alone: at the first line end after each multiple of
 * {@value #PIECE_BYTES} bytes, or at a character boundary where no line ends within {@value #LOOK_AHEAD} bytes.
 */
final class PieceReader {
    static final int PIECE_BYTES = 8 << 20;
    static final int LOOK_AHEAD = 64 << 10;
    static final byte[] BYTE_ORDER_MARK = {(byte) 0xef, (byte) 0xbb, (byte) 0xbf};

    /**
     * What one task reads: bytes [start, start + {@value #PIECE_BYTES}) of a file with the line that crosses its end, or
     * all of a compressed file.
     */
    record Assignment(int set, String path, long start, long fileBytes, Compression packing) implements Serializable {}

    private final Configuration configuration;
    private final Malformed malformed;

    PieceReader(Configuration configuration, Malformed malformed) {
        this.configuration = configuration;
        this.malformed = malformed;
    }

    static List<Assignment> assignments(int set, List<SourceFile> files) {
        List<Assignment> result = new ArrayList<>();
        for (SourceFile file : files) {
            if (file.packing() != Compression.NONE) {
                result.add(new Assignment(set, file.path(), 0, file.bytes(), file.packing()));
                continue;
            }
            for (long start = 0; start < file.bytes(); start += PIECE_BYTES) {
                result.add(new Assignment(set, file.path(), start, file.bytes(), Compression.NONE));
            }
        }
        return result;
    }

    Iterator<Piece> read(Assignment assignment) {
        try {
            if (assignment.packing != Compression.NONE) {
                return new CompressedPieces(assignment);
            }
            return List.of(plain(assignment)).iterator();
        } catch (IOException | RuntimeException e) {
            return List.of(unreadable(assignment, e)).iterator();
        }
    }

    private static Piece unreadable(Assignment assignment, Exception e) {
        return Piece.unreadable(assignment.set, ReadFailure.sentence(assignment.path, assignment.packing, e));
    }

    private Piece plain(Assignment assignment) throws IOException {
        Path path = new Path(assignment.path);
        try (FSDataInputStream file = LocalNames.open(path, configuration)) {
            long start = boundary(file, assignment.start, assignment.fileBytes);
            long end = boundary(
                    file, Math.min(assignment.fileBytes, assignment.start + PIECE_BYTES), assignment.fileBytes);
            byte[] bytes = new byte[(int) (end - start)];
            try {
                file.readFully(start, bytes);
            } catch (EOFException e) {
                return Piece.unreadable(assignment.set, assignment.path + " became shorter while it was read");
            }
            return checked(assignment, start, bytes);
        }
    }

    /** Where the piece that is due at {@code position} really starts. */
    private static long boundary(FSDataInputStream file, long position, long fileBytes) throws IOException {
        if (position == 0 || position >= fileBytes) {
            return Math.min(position, fileBytes);
        }
        byte[] ahead = new byte[(int) Math.min(LOOK_AHEAD, fileBytes - position)];
        file.readFully(position, ahead);
        return position + boundary(ahead, 0, ahead.length);
    }

    private static int boundary(byte[] bytes, int from, int to) {
        for (int i = from; i < to; i++) {
            if (bytes[i] == '\n') {
                return i + 1 - from;
            }
        }
        int i = from;
        while (i < to && Utf8.isContinuation(bytes[i])) {
            i++;
        }
        return i - from;
    }

    private Piece checked(Assignment assignment, long offset, byte[] bytes) {
        int from = offset == 0 && startsWithMark(bytes) ? BYTE_ORDER_MARK.length : 0;
        int wrong = Utf8.firstMalformed(bytes, from, bytes.length);
        if (wrong >= 0) {
            if (malformed == Malformed.FAIL) {
                return Piece.unreadable(
                        assignment.set,
                        assignment.path + " is not UTF-8 text: byte 0x" + Integer.toHexString(bytes[wrong] & 0xff)
                                + " at offset " + (offset + wrong)
                                + "; convert the file, leave it out with a narrower glob, or set corpus.malformed: replace");
            }
            String text = new String(bytes, from, bytes.length - from, StandardCharsets.UTF_8);
            return Piece.of(assignment.set, text.getBytes(StandardCharsets.UTF_8));
        }
        return Piece.of(assignment.set, from == 0 ? bytes : Arrays.copyOfRange(bytes, from, bytes.length));
    }

    private static boolean startsWithMark(byte[] bytes) {
        return bytes.length >= BYTE_ORDER_MARK.length
                && Arrays.equals(bytes, 0, BYTE_ORDER_MARK.length, BYTE_ORDER_MARK, 0, BYTE_ORDER_MARK.length);
    }

    /** Pieces of a compressed file, one in memory at a time, cut by the same rule. */
    private final class CompressedPieces implements Iterator<Piece> {
        private final Assignment assignment;
        private final InputStream stream;
        private byte[] carried = {};
        private long offset;
        private boolean atEnd;

        CompressedPieces(Assignment assignment) throws IOException {
            this.assignment = assignment;
            this.stream = assignment.packing.open(new Path(assignment.path), assignment.fileBytes, configuration);
        }

        @Override
        public boolean hasNext() {
            return !atEnd;
        }

        @Override
        public Piece next() {
            if (atEnd) {
                throw new NoSuchElementException();
            }
            try {
                byte[] buffer = Arrays.copyOf(carried, PIECE_BYTES + 2 * LOOK_AHEAD);
                int length = carried.length
                        + stream.readNBytes(buffer, carried.length, PIECE_BYTES + LOOK_AHEAD - carried.length);
                int end = length;
                if (length > PIECE_BYTES) {
                    end = PIECE_BYTES + boundary(buffer, PIECE_BYTES, length);
                } else {
                    atEnd = true;
                    stream.close();
                }
                carried = Arrays.copyOfRange(buffer, end, length);
                Piece piece = checked(assignment, offset, Arrays.copyOf(buffer, end));
                offset += end;
                return piece;
            } catch (IOException | RuntimeException e) {
                atEnd = true;
                return unreadable(assignment, e);
            }
        }
    }
}
