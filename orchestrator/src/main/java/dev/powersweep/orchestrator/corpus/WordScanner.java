package dev.powersweep.orchestrator.corpus;

/**
 * Cuts text into the words within which byte pairs are merged, close to GPT-2's rule but on bytes: a run of letters, of
 * up to three digits, or of other signs, each with one space before it; an apostrophe with the letters after it where a
 * letter precedes; or a run of white space. Bytes above 127 count as letters, so no character is ever cut.
 */
final class WordScanner {
    private static final int LONGEST = 64;
    private static final int LONGEST_NUMBER = 3;
    private static final byte LETTER = 0;
    private static final byte DIGIT = 1;
    private static final byte SPACE = 2;
    private static final byte OTHER = 3;
    private static final byte[] KIND = new byte[256];

    static {
        for (int value = 0; value < KIND.length; value++) {
            boolean letter = (value >= 'a' && value <= 'z') || (value >= 'A' && value <= 'Z') || value >= 128;
            boolean digit = value >= '0' && value <= '9';
            boolean space = value == ' ' || (value >= '\t' && value <= '\r');
            KIND[value] = letter ? LETTER : digit ? DIGIT : space ? SPACE : OTHER;
        }
    }

    private WordScanner() {}

    /** End of the word that starts at {@code from}; {@code blockStart} is where the text starts. */
    static int end(byte[] text, int from, int to, int blockStart) {
        int i = from;
        byte kind = kind(text, i);
        if (kind == SPACE) {
            int run = i + 1;
            int limit = Math.min(to, from + LONGEST);
            while (run < limit && kind(text, run) == SPACE) {
                run++;
            }
            boolean wordFollows = run < to && kind(text, run) != SPACE && text[run - 1] == ' ';
            if (!wordFollows) {
                return run;
            }
            if (run - 1 > from) {
                return run - 1;
            }
            i = from + 1;
            kind = kind(text, i);
        } else if (text[i] == '\''
                && i > blockStart
                && kind(text, i - 1) == LETTER
                && i + 1 < to
                && kind(text, i + 1) == LETTER) {
            i++;
            kind = LETTER;
        }
        int limit = Math.min(to, i + (kind == DIGIT ? LONGEST_NUMBER : LONGEST));
        int end = i + 1;
        while (end < limit && kind(text, end) == kind) {
            end++;
        }
        while (end < to && end - from < LONGEST + 4 && Utf8.isContinuation(text[end])) {
            end++;
        }
        return end;
    }

    private static byte kind(byte[] text, int i) {
        return KIND[text[i] & 0xff];
    }
}
