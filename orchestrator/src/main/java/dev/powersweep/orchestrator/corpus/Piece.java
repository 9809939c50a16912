package dev.powersweep.orchestrator.corpus;

import java.io.Serializable;

/**
 * A stretch of input that one task reads, or the reason why it cannot be: reading never throws for an input's sake, so
 * that a user is told of the file and not of the task.
 *
 * @param set 0 for the corpus, part of which is held out; 1 and above for sets that are held out whole
 * @param bytes whole lines of text, or whole tokens
 * @param problem a sentence; empty where there is none
 * @param withoutText rows or lines in its place that hold no text
 */
record Piece(int set, byte[] bytes, String problem, int withoutText) implements Serializable {
    private static final byte[] NONE = {};

    static Piece of(int set, byte[] bytes) {
        return new Piece(set, bytes, "", 0);
    }

    static Piece unreadable(int set, String problem) {
        return new Piece(set, NONE, problem, 0);
    }

    /** A row or line whose text is null or empty. */
    static Piece withoutText(int set) {
        return new Piece(set, NONE, "", 1);
    }
}
