package dev.powersweep.orchestrator.corpus;

import java.io.Serializable;
import java.nio.ByteBuffer;
import java.security.MessageDigest;
import java.security.NoSuchAlgorithmException;

/**
 * SHA-256 of a block's bytes, in four words with separate uses: order, split, sample, and ties of the order.
 *
 * @param order blocks are stored by it, unsigned
 * @param split decides whether the block is held out
 * @param sample decides whether a tokenizer is trained on it
 * @param tie orders blocks of equal {@code order}
 */
record BlockHash(long order, long split, long sample, long tie) implements Serializable {
    private static final int SHARES = 1000;

    static BlockHash of(MessageDigest sha256, byte[] text, int from, int to) {
        sha256.update(text, from, to - from);
        ByteBuffer words = ByteBuffer.wrap(sha256.digest());
        return new BlockHash(words.getLong(), words.getLong(), words.getLong(), words.getLong());
    }

    /** Whether the block is among the held-out thousandths. */
    boolean heldOut(int thousandths) {
        return Long.remainderUnsigned(split, SHARES) < thousandths;
    }

    /** Whether the block is in a sample of the given share. */
    boolean sampled(double share) {
        return (sample >>> 11) * 0x1.0p-53 < share;
    }

    static MessageDigest sha256() {
        try {
            return MessageDigest.getInstance("SHA-256");
        } catch (NoSuchAlgorithmException e) {
            throw new IllegalStateException("every JDK has SHA-256", e);
        }
    }
}
