package dev.powersweep.worker.shard;

/** How a token is stored: unsigned, little-endian. */
public enum TokenType {
    UINT8(1, 1 << 8),
    UINT16(2, 1 << 16),
    /** Of the 32 bits 31 are used, so that a token is an {@code int}. */
    UINT32(4, Integer.MAX_VALUE);

    private final int bytes;
    private final int maxVocabulary;

    TokenType(int bytes, int maxVocabulary) {
        this.bytes = bytes;
        this.maxVocabulary = maxVocabulary;
    }

    public int bytes() {
        return bytes;
    }

    /** Largest vocabulary whose every token fits. */
    public int maxVocabulary() {
        return maxVocabulary;
    }

    /** The smallest type that holds the vocabulary, in [1, 2³¹ − 1]. */
    public static TokenType forVocabulary(int vocabulary) {
        for (TokenType type : values()) {
            if (vocabulary <= type.maxVocabulary) {
                return type;
            }
        }
        throw new IllegalStateException("every vocabulary fits the widest type");
    }
}
