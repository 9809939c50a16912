package dev.powersweep.orchestrator.corpus;

import java.io.IOException;
import java.io.Serializable;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.util.ArrayList;
import java.util.List;
import org.apache.hadoop.conf.Configuration;
import org.apache.hadoop.fs.FSDataInputStream;
import org.apache.hadoop.fs.Path;

/**
 * Reads pieces of token files: unsigned 16-bit little-endian tokens as nanoGPT writes them, or the same behind a header of
 * 256 32-bit words that begins with 20240520, as newer tools write them.
 */
final class TokenFileReader {
    private static final int MAGIC = 20240520;
    private static final int HEADER_BYTES = 256 * Integer.BYTES;
    private static final int TOKEN_BYTES = 2;

    record Assignment(int set, String path, long start, long fileBytes) implements Serializable {}

    private final Configuration configuration;

    TokenFileReader(Configuration configuration) {
        this.configuration = configuration;
    }

    static List<Assignment> assignments(int set, List<InputFiles.InputFile> files) {
        List<Assignment> result = new ArrayList<>();
        for (InputFiles.InputFile file : files) {
            for (long start = 0; start < file.bytes(); start += PieceReader.PIECE_BYTES) {
                result.add(new Assignment(set, file.path(), start, file.bytes()));
            }
        }
        return result;
    }

    Piece read(Assignment assignment) {
        Path path = new Path(assignment.path);
        try (FSDataInputStream file = path.getFileSystem(configuration).open(path)) {
            int header = headerBytes(file, assignment.fileBytes);
            if ((assignment.fileBytes - header) % TOKEN_BYTES != 0) {
                return Piece.unreadable(
                        assignment.set,
                        assignment.path + " holds no whole number of 16-bit tokens: it has " + assignment.fileBytes
                                + " bytes, so it is cut short or of another kind");
            }
            long start = assignment.start + header;
            long end = Math.min(assignment.fileBytes, start + PieceReader.PIECE_BYTES);
            byte[] bytes = new byte[(int) Math.max(0, end - start)];
            if (bytes.length > 0) {
                file.readFully(start, bytes);
            }
            return Piece.of(assignment.set, bytes);
        } catch (IOException e) {
            return Piece.unreadable(assignment.set, assignment.path + " cannot be read: " + e.getMessage());
        }
    }

    private static int headerBytes(FSDataInputStream file, long fileBytes) throws IOException {
        if (fileBytes < HEADER_BYTES) {
            return 0;
        }
        byte[] first = new byte[Integer.BYTES];
        file.readFully(0, first);
        return ByteBuffer.wrap(first).order(ByteOrder.LITTLE_ENDIAN).getInt() == MAGIC ? HEADER_BYTES : 0;
    }
}
