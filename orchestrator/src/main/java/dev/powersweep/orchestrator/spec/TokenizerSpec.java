package dev.powersweep.orchestrator.spec;

/** How text becomes tokens. */
public sealed interface TokenizerSpec {

    /** Name with parameters, e.g. {@code bpe-4096}; part of a corpus's identity. */
    String describe();

    /** One token a byte, vocabulary 256. */
    record Bytes() implements TokenizerSpec {
        @Override
        public String describe() {
            return "bytes";
        }
    }

    /**
     * Byte-level byte-pair encoding, trained on the corpus's own training text.
     *
     * @param vocabulary 256 bytes and the merges, 257 … 65,536
     */
    record Bpe(int vocabulary) implements TokenizerSpec {
        @Override
        public String describe() {
            return "bpe-" + vocabulary;
        }
    }

    /**
     * Made elsewhere; the corpus holds tokens.
     *
     * @param vocabulary token kinds
     */
    record External(int vocabulary) implements TokenizerSpec {
        @Override
        public String describe() {
            return "external-" + vocabulary;
        }
    }
}
