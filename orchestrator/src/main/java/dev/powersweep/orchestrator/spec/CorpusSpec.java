package dev.powersweep.orchestrator.spec;

import java.util.List;
import java.util.OptionalDouble;

/**
 * The text a sweep trains on.
 *
 * @param validationFraction share of the text's blocks that is held out, in thousandths
 * @param malformed what becomes of bytes that are not UTF-8
 * @param split what is held out as a whole
 */
public record CorpusSpec(Source source, double validationFraction, Malformed malformed, Split split) {

    /** Of a program that brings its own data. */
    static final CorpusSpec NONE = new CorpusSpec(new Source.None(), 0.05, Malformed.FAIL, Split.BLOCK);

    /** Where the text comes from. */
    public sealed interface Source {

        /** The program that trains brings its own data. */
        record None() implements Source {}

        /**
         * Text that is bundled with PowerSweep.
         *
         * @param name {@code wordnet}: the definitions and example sentences of WordNet 3.1
         */
        record Bundled(String name) implements Source {}

        /**
         * Files, directories and globs on any Hadoop file system.
         *
         * @param textColumn the column of Parquet, or the field of JSON Lines, that holds the text
         */
        record Text(List<String> paths, Format format, String textColumn) implements Source {
            public Text {
                paths = List.copyOf(paths);
            }
        }

        /**
         * Tokens made elsewhere: raw little-endian integers, the same behind the 1024-byte header that some tools
         * write, or NumPy arrays.
         *
         * @param validation files of held-out tokens; where there are none, blocks of the training files are held out
         * @param vocabulary token kinds; every stored token is below it
         * @param bytesPerToken mean UTF-8 bytes of text a token stands for, where it is known
         * @param type how raw tokens are stored
         */
        record Tokens(
                List<String> train,
                List<String> validation,
                int vocabulary,
                OptionalDouble bytesPerToken,
                TokenWidth type)
                implements Source {
            public Tokens {
                train = List.copyOf(train);
                validation = List.copyOf(validation);
            }
        }
    }

    public enum Format {
        /** By each file's first bytes and its name. */
        AUTO,
        TEXT,
        PARQUET,
        JSONL
    }

    /** How a token is stored: little-endian, unsigned unless said otherwise. */
    public enum TokenWidth {
        /** As a file's header says; without one 16 bits for vocabularies up to 65,536, else 32. */
        AUTO(0),
        UINT8(1),
        UINT16(2),
        UINT32(4),
        /** Signed, as NumPy and PyTorch write by default. */
        INT32(4),
        INT64(8);

        private final int bytes;

        TokenWidth(int bytes) {
            this.bytes = bytes;
        }

        /** Bytes of a token; 0 for {@link #AUTO}. */
        public int bytes() {
            return bytes;
        }
    }

    public enum Split {
        /** Blocks of about 4 KiB. */
        BLOCK,
        /** Files of text, and documents of JSON Lines and Parquet. */
        FILE
    }

    public enum Malformed {
        /** Refuse the file, with the offset of the first such byte. */
        FAIL,
        /** Put U+FFFD in their place. */
        REPLACE
    }
}
