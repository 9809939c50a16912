package dev.powersweep.orchestrator.spec;

import java.util.List;
import java.util.OptionalDouble;

/**
 * The text a sweep trains on.
 *
 * @param validationFraction share of the text's blocks that is held out, in thousandths
 * @param malformed what becomes of bytes that are not UTF-8
 */
public record CorpusSpec(Source source, double validationFraction, Malformed malformed) {

    /** Where the text comes from. */
    public sealed interface Source {

        /**
         * Text that arrives with PowerSweep.
         *
         * @param name {@code wordnet}: the definitions and example sentences of WordNet 3.1
         */
        record Bundled(String name) implements Source {}

        /**
         * Files, directories and globs on any Hadoop file system.
         *
         * @param textColumn the column that holds the text where a path is Parquet
         */
        record Text(List<String> paths, Format format, String textColumn) implements Source {
            public Text {
                paths = List.copyOf(paths);
            }
        }

        /**
         * Tokens made elsewhere: unsigned 16-bit little-endian files, with or without the 1024-byte header that some
         * tools write.
         *
         * @param validation files of held-out tokens; where there are none, blocks of the training files are held out
         * @param vocabulary token kinds; every stored token is below it
         * @param bytesPerToken mean UTF-8 bytes of text a token stands for, where it is known
         */
        record Tokens(List<String> train, List<String> validation, int vocabulary, OptionalDouble bytesPerToken)
                implements Source {
            public Tokens {
                train = List.copyOf(train);
                validation = List.copyOf(validation);
            }
        }
    }

    public enum Format {
        /** Parquet where a file's name ends in {@code .parquet}, text otherwise. */
        AUTO,
        TEXT,
        PARQUET
    }

    public enum Malformed {
        /** Refuse the file, with the offset of the first such byte. */
        FAIL,
        /** Put U+FFFD in their place. */
        REPLACE
    }
}
