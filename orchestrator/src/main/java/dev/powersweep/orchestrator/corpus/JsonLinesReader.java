package dev.powersweep.orchestrator.corpus;

import dev.powersweep.orchestrator.spec.CorpusSpec.Malformed;
import java.io.IOException;
import java.io.Serializable;
import java.nio.charset.StandardCharsets;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.Iterator;
import java.util.List;
import java.util.NoSuchElementException;
import java.util.Optional;
import org.apache.hadoop.conf.Configuration;
import org.apache.hadoop.fs.FSDataInputStream;
import org.apache.hadoop.fs.Path;

/** Reads JSON Lines: one object a line, one document an object. */
final class JsonLinesReader {
    /**
     * What one task reads: the lines that start in bytes [start, end) of a file, or all lines of a compressed one.
     *
     * @param packing of the file; only unpacked files are shared by several tasks
     */
    record Assignment(int set, String path, long start, long end, long fileBytes, Compression packing)
            implements Serializable {}

    private final Configuration configuration;
    private final DocumentRule rule;

    JsonLinesReader(Configuration configuration, DocumentRule rule) {
        this.configuration = configuration;
        this.rule = rule;
    }

    static List<Assignment> assignments(int set, List<SourceFile> files) {
        List<Assignment> result = new ArrayList<>();
        for (SourceFile file : files) {
            long step = file.packing() == Compression.NONE ? PieceReader.PIECE_BYTES : file.bytes();
            for (long start = 0; start < file.bytes(); start += step) {
                long end = Math.min(file.bytes(), start + step);
                result.add(new Assignment(set, file.path(), start, end, file.bytes(), file.packing()));
            }
        }
        return result;
    }

    Iterator<Piece> read(Assignment assignment) {
        try {
            return new Lines(assignment);
        } catch (IOException | RuntimeException e) {
            return List.of(unreadable(assignment, e)).iterator();
        }
    }

    private static Piece unreadable(Assignment assignment, Exception e) {
        return Piece.unreadable(assignment.set, ReadFailure.sentence(assignment.path, assignment.packing, e));
    }

    private final class Lines implements Iterator<Piece> {
        private final Assignment assignment;
        private final JsonText json = new JsonText(rule.textColumn());
        private final LineReader lines;
        private boolean open = true;
        private Optional<Piece> next;

        Lines(Assignment assignment) throws IOException {
            this.assignment = assignment;
            Path path = new Path(assignment.path);
            if (assignment.start == 0) {
                lines = new LineReader(assignment.packing.open(path, assignment.fileBytes, configuration), 0);
            } else {
                FSDataInputStream stream = LocalNames.open(path, configuration);
                stream.seek(assignment.start - 1);
                lines = new LineReader(stream, assignment.start - 1);
                // The line that began before belongs to the task before; a line end alone is its end.
                lines.next();
            }
            next = advance();
        }

        private Optional<Piece> advance() {
            try {
                while (open && lines.next()) {
                    if (assignment.packing == Compression.NONE && lines.offset() >= assignment.end) {
                        break;
                    }
                    int from = lines.from();
                    if (lines.offset() == 0 && mark(lines.buffer(), from, lines.to())) {
                        from += PieceReader.BYTE_ORDER_MARK.length;
                    }
                    if (!blank(lines.buffer(), from, lines.to())) {
                        return Optional.of(document(lines.buffer(), from, lines.to()));
                    }
                }
                close();
                return Optional.empty();
            } catch (IOException | RuntimeException e) {
                close();
                return Optional.of(unreadable(assignment, e));
            }
        }

        private Piece document(byte[] buffer, int from, int to) {
            byte[] line = buffer;
            int start = from;
            int end = to;
            int wrong = Utf8.firstMalformed(buffer, from, to);
            if (wrong >= 0) {
                if (rule.malformed() == Malformed.FAIL) {
                    return problem(
                            "is not UTF-8 text: byte 0x" + Integer.toHexString(buffer[wrong] & 0xff)
                                    + " at offset " + (lines.offset() + wrong - lines.from())
                                    + "; convert the file, leave it out, or set corpus.malformed: replace",
                            false);
                }
                line = new String(buffer, from, to - from, StandardCharsets.UTF_8).getBytes(StandardCharsets.UTF_8);
                start = 0;
                end = line.length;
            }
            String text;
            try {
                text = json.of(line, start, end);
            } catch (JsonText.NoText e) {
                return problem(e.getMessage(), true);
            }
            int half = halfCharacter(text);
            if (half >= 0) {
                if (rule.malformed() == Malformed.FAIL) {
                    return problem(
                            "has text with half a character, \\u"
                                    + Integer.toHexString(text.charAt(half))
                                    + "; mend it, or set corpus.malformed: replace",
                            true);
                }
                text = whole(text);
            }
            byte[] bytes = text.getBytes(StandardCharsets.UTF_8);
            byte[] ended = Arrays.copyOf(bytes, bytes.length + 1);
            ended[bytes.length] = '\n';
            return Documents.piece(rule, assignment.set, text.isEmpty() ? new byte[0] : ended, () -> assignment.path);
        }

        private Piece problem(String why, boolean ofLine) {
            close();
            return Piece.unreadable(
                    assignment.set,
                    assignment.path
                            + (ofLine ? ": the line at byte " + lines.offset() : "")
                            + (assignment.packing == Compression.NONE ? " " : ofLine ? " of what it unpacks to " : " ")
                            + why);
        }

        private void close() {
            open = false;
            try {
                lines.close();
            } catch (IOException e) {
                // All that is wanted has been read.
                return;
            }
        }

        @Override
        public boolean hasNext() {
            return next.isPresent();
        }

        @Override
        public Piece next() {
            Piece piece = next.orElseThrow(NoSuchElementException::new);
            next = advance();
            return piece;
        }
    }

    private static boolean mark(byte[] buffer, int from, int to) {
        int length = PieceReader.BYTE_ORDER_MARK.length;
        return to - from >= length
                && Arrays.equals(buffer, from, from + length, PieceReader.BYTE_ORDER_MARK, 0, length);
    }

    private static boolean blank(byte[] buffer, int from, int to) {
        for (int i = from; i < to; i++) {
            if (buffer[i] != ' ' && buffer[i] != '\n' && buffer[i] != '\r' && buffer[i] != '\t') {
                return false;
            }
        }
        return true;
    }

    /** Index of a surrogate without its other half, which JSON can write and UTF-8 cannot; −1 where there is none. */
    private static int halfCharacter(String text) {
        for (int i = 0; i < text.length(); i++) {
            char c = text.charAt(i);
            if (Character.isHighSurrogate(c) && i + 1 < text.length() && Character.isLowSurrogate(text.charAt(i + 1))) {
                i++;
            } else if (Character.isSurrogate(c)) {
                return i;
            }
        }
        return -1;
    }

    private static String whole(String text) {
        StringBuilder whole = new StringBuilder(text.length());
        text.codePoints()
                .forEach(point -> whole.appendCodePoint(
                        point >= Character.MIN_SURROGATE && point <= Character.MAX_SURROGATE ? 0xfffd : point));
        return whole.toString();
    }
}
