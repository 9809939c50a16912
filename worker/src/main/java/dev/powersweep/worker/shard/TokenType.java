package dev.powersweep.worker.shard;

/** How a token is stored: unsigned, little-endian. */
public enum TokenType {
    UINT8(1, 1 << 8),
    UINT16(2, 1 << 16);

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

    /** The smallest type that holds the vocabulary; throws {@link IllegalArgumentException} above 65,536. */
    public static TokenType forVocabulary(int vocabulary) {
        for (TokenType type : values()) {
            if (vocabulary <= type.maxVocabulary) {
                return type;
            }
        }
        throw new IllegalArgumentException(
                "a vocabulary of " + vocabulary + " does not fit 16-bit tokens; the largest is " + (1 << 16));
    }
}
