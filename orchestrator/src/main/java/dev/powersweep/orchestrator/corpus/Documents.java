package dev.powersweep.orchestrator.corpus;

import dev.powersweep.orchestrator.spec.CorpusSpec.Malformed;
import java.nio.charset.StandardCharsets;
import java.util.Arrays;
import java.util.function.Supplier;

/** Rows of tables and lines of JSON Lines as pieces: one document each, ended by one line end at least. */
final class Documents {
    private Documents() {}

    /**
     * The piece of a document.
     *
     * @param text ended by a line end of ours, behind its own if it had one; empty or a line end alone for no text
     * @param place that a message begins with
     */
    static Piece piece(DocumentRule rule, int set, byte[] text, Supplier<String> place) {
        if (text.length <= 1) {
            return Piece.withoutText(set);
        }
        byte[] ended = text[text.length - 2] == '\n' ? Arrays.copyOf(text, text.length - 1) : text;
        int wrong = Utf8.firstMalformed(ended, 0, ended.length);
        if (wrong < 0) {
            return Piece.of(rule.set(set, ended), ended);
        }
        if (rule.malformed() == Malformed.FAIL) {
            return Piece.unreadable(
                    set,
                    place.get() + " is not UTF-8 text: byte 0x" + Integer.toHexString(ended[wrong] & 0xff)
                            + " at offset " + wrong
                            + " of it; convert the file, leave it out, or set corpus.malformed: replace");
        }
        byte[] mended = new String(ended, StandardCharsets.UTF_8).getBytes(StandardCharsets.UTF_8);
        return Piece.of(rule.set(set, mended), mended);
    }
}
