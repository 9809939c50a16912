package dev.powersweep.orchestrator.corpus;

/**
 * Cuts text into the blocks that are held out or trained on as a whole: at the first paragraph end after
 * {@value #LEAST} bytes; where none comes before {@value #LINE} bytes, at the first line end after {@value #LEAST};
 * where there is none before {@value #MOST} either, at the last space or character boundary before it.
 */
final class BlockCutter {
    static final int LEAST = 4096;
    static final int LINE = 6144;
    static final int MOST = 8192;

    private BlockCutter() {}

    /** End of the block that starts at {@code from} in text that ends at {@code to}. */
    static int end(byte[] text, int from, int to) {
        if (to - from <= LEAST) {
            return to;
        }
        int firstLineEnd = -1;
        int stop = Math.min(to, from + MOST);
        for (int i = from + LEAST - 1; i < stop; i++) {
            if (text[i] == '\n') {
                if (i + 1 < to && text[i + 1] == '\n') {
                    int end = i + 2;
                    while (end < stop && text[end] == '\n') {
                        end++;
                    }
                    return end;
                }
                if (firstLineEnd < 0) {
                    firstLineEnd = i + 1;
                }
            }
            if (firstLineEnd >= 0 && i >= from + LINE) {
                return firstLineEnd;
            }
        }
        if (firstLineEnd >= 0) {
            return firstLineEnd;
        }
        if (stop == to) {
            return to;
        }
        for (int i = stop - 1; i > from + LEAST; i--) {
            if (text[i] == ' ') {
                return i + 1;
            }
        }
        int end = stop;
        while (end > from + LEAST && Utf8.isContinuation(text[end])) {
            end--;
        }
        return end;
    }
}
