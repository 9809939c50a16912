package dev.powersweep.orchestrator.spec;

/** How text becomes tokens. */
public sealed interface TokenizerSpec {

    /** Token kinds at most: sixty times what published tokenizers have, and an embedding that fits memory. */
    int LARGEST_VOCABULARY = 1 << 24;

    /** Name with parameters, e.g. {@code bpe-4096}; all of the identity but for a file's content. */
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

    /** GPT-2's byte-pair encoding with its 50,257 tokens. */
    record Gpt2() implements TokenizerSpec {
        @Override
        public String describe() {
            return "gpt2";
        }
    }

    /**
     * A tokenizer in Hugging Face's {@code tokenizer.json} form.
     *
     * @param path of the file, on any Hadoop file system; a corpus's identity follows its content, not its name
     */
    record JsonFile(String path) implements TokenizerSpec {
        @Override
        public String describe() {
            return "tokenizer.json";
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
