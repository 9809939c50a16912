package dev.powersweep.orchestrator.corpus;

import java.io.EOFException;
import java.io.IOException;
import java.io.Serializable;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.util.ArrayList;
import java.util.List;
import java.util.Locale;
import org.apache.hadoop.conf.Configuration;
import org.apache.hadoop.fs.FSDataInputStream;
import org.apache.hadoop.fs.Path;

/**
 * Reads pieces of token files of any {@link TokenLayout}; a piece holds the tokens in the same bytes whatever the file
 * holds them in, each below the vocabulary.
 */
final class TokenFileReader {
    /** Tokens of a piece; blocks begin anew at each. */
    static final int PIECE_TOKENS = PieceReader.PIECE_BYTES / 2;

    /** What one task reads: {@value #PIECE_TOKENS} tokens from the token {@code first} on. */
    record Assignment(int set, TokenLayout layout, long first) implements Serializable {}

    private final Configuration configuration;
    private final int vocabulary;

    TokenFileReader(Configuration configuration, int vocabulary) {
        this.configuration = configuration;
        this.vocabulary = vocabulary;
    }

    static List<Assignment> assignments(int set, List<TokenLayout> files) {
        List<Assignment> result = new ArrayList<>();
        for (TokenLayout file : files) {
            for (long first = 0; first < file.tokens(); first += PIECE_TOKENS) {
                result.add(new Assignment(set, file, first));
            }
        }
        return result;
    }

    Piece read(Assignment assignment) {
        TokenLayout layout = assignment.layout;
        Path path = new Path(layout.path());
        int width = layout.width().bytes();
        int count = (int) Math.min(PIECE_TOKENS, layout.tokens() - assignment.first);
        byte[] bytes = new byte[count * width];
        try (FSDataInputStream file = LocalNames.open(path, configuration)) {
            file.readFully(layout.start() + assignment.first * width, bytes);
        } catch (EOFException e) {
            return Piece.unreadable(assignment.set, layout.path() + " became shorter while it was read");
        } catch (IOException | RuntimeException e) {
            return Piece.unreadable(assignment.set, ReadFailure.sentence(layout.path(), Compression.NONE, e));
        }
        return converted(assignment, ByteBuffer.wrap(bytes).order(ByteOrder.LITTLE_ENDIAN), count);
    }

    private Piece converted(Assignment assignment, ByteBuffer stored, int count) {
        int inputBytes = BlockForm.Tokens.inputBytes(vocabulary);
        ByteBuffer tokens = ByteBuffer.allocate(count * inputBytes).order(ByteOrder.LITTLE_ENDIAN);
        TokenLayout layout = assignment.layout;
        for (int i = 0; i < count; i++) {
            long token =
                    switch (layout.width()) {
                        case UINT8 -> Byte.toUnsignedLong(stored.get(i));
                        case UINT16 -> Short.toUnsignedLong(stored.getShort(2 * i));
                        case UINT32 -> Integer.toUnsignedLong(stored.getInt(4 * i));
                        case INT32 -> stored.getInt(4 * i);
                        case INT64 -> stored.getLong(8 * i);
                        case AUTO -> throw new IllegalStateException("a layout has a width");
                    };
            if (token < 0 || token >= vocabulary) {
                long position = assignment.first + i;
                return Piece.unreadable(
                        assignment.set,
                        layout.path() + " holds the token " + token + " at position " + position + " (byte "
                                + (layout.start() + position * layout.width().bytes())
                                + "), which is not below corpus.tokens.vocabulary = " + vocabulary
                                + "; set it to the number of tokens of the tokenizer, or corpus.tokens.type where tokens are"
                                + " not stored as " + layout.width().name().toLowerCase(Locale.ROOT));
            }
            if (inputBytes == 2) {
                tokens.putShort(2 * i, (short) token);
            } else {
                tokens.putInt(4 * i, (int) token);
            }
        }
        return Piece.of(assignment.set, tokens.array());
    }
}
