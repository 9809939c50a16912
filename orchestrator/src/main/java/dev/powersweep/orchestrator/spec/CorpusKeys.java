package dev.powersweep.orchestrator.spec;

import static dev.powersweep.orchestrator.spec.SpecKey.optional;
import static dev.powersweep.orchestrator.spec.SpecKey.required;
import static dev.powersweep.orchestrator.spec.SpecKey.withDefault;

import dev.powersweep.orchestrator.spec.CorpusSpec.Source;
import dev.powersweep.orchestrator.spec.ValueKind.Choice;
import dev.powersweep.orchestrator.spec.ValueKind.Either;
import dev.powersweep.orchestrator.spec.ValueKind.Many;
import dev.powersweep.orchestrator.spec.ValueKind.Numeric;
import dev.powersweep.orchestrator.spec.ValueKind.Section;
import dev.powersweep.orchestrator.spec.ValueKind.Text;
import java.util.List;
import java.util.Optional;

/** The keys of {@code corpus}. */
final class CorpusKeys {
    static final Many<String> PATHS = new Many<>(Text.of(".+", "a path or glob"));
    /** Of a tokenizer that is trained here. */
    static final int LARGEST_VOCABULARY = 1 << 16;

    private static final SpecKey<List<String>> TRAIN = required("train", PATHS, "Files of tokens.");
    private static final SpecKey<List<String>> VALIDATION =
            optional("validation", PATHS, "blocks of the training files are held out", "Files of held-out tokens.");
    private static final SpecKey<Integer> VOCABULARY =
            required("vocabulary", Numeric.whole(2, TokenizerSpec.LARGEST_VOCABULARY), "Token kinds.");
    private static final SpecKey<CorpusSpec.TokenWidth> TYPE = withDefault(
            "type",
            Choice.of(CorpusSpec.TokenWidth.class),
            "auto",
            "How a raw token is stored, little-endian. `auto`: as a file's header says (.npy, llm.c); without one `uint16` for vocabularies up to 65,536, else `uint32`.");
    private static final SpecKey<Double> BYTES_PER_TOKEN = optional(
            "bytesPerToken", Numeric.above(0, 1e6), "no bits per byte", "Mean UTF-8 bytes of text a token stands for.");

    private static final SpecKey<List<String>> TEXT = optional(
            "text",
            PATHS,
            "none",
            "Files, directories (read with all below them) and globs on any Hadoop file system.");
    private static final SpecKey<CorpusSpec.Format> FORMAT = withDefault(
            "format",
            Choice.of(CorpusSpec.Format.class),
            "auto",
            "`auto` goes by each file's first bytes and name: Parquet, JSON Lines (.jsonl, .ndjson, .json), else text; text and JSON Lines may be packed by gzip, zstd or bzip2.");
    private static final SpecKey<String> TEXT_COLUMN = withDefault(
            "textColumn",
            Text.ANY,
            "text",
            "The column of Parquet files, or the field of JSON Lines, that holds the text; `a.b` for one inside another.");
    private static final SpecKey<Source> TOKENS = optional(
            "tokens",
            Section.of(CorpusKeys::tokens, TRAIN, VALIDATION, VOCABULARY, TYPE, BYTES_PER_TOKEN),
            "none",
            "Tokens made elsewhere: raw integers as nanoGPT's `.bin`, behind llm.c's header, or NumPy's `.npy`.");
    private static final SpecKey<String> BUNDLED = withDefault(
                    "bundled",
                    Choice.of("wordnet"),
                    "wordnet",
                    "Text that arrives with PowerSweep: the definitions and example sentences of WordNet 3.1, 9 MB of English.")
            .unless(TEXT, TOKENS);
    private static final SpecKey<Double> VALIDATION_FRACTION = withDefault(
            "validationFraction",
            Numeric.closed(0.001, 0.5),
            "0.05",
            "Share of the text held out, in thousandths; blocks are chosen by a hash of their content.");
    private static final SpecKey<CorpusSpec.Split> SPLIT = withDefault(
            "split",
            Choice.of(CorpusSpec.Split.class),
            "block",
            "What is held out as a whole: blocks of some 4 KiB of text, or files of text and documents of JSON Lines and Parquet, so that no book stands on both sides.");
    private static final SpecKey<CorpusSpec.Malformed> MALFORMED = withDefault(
            "malformed",
            Choice.of(CorpusSpec.Malformed.class),
            "fail",
            "Bytes that are not UTF-8: refuse the file, or put U+FFFD in their place.");

    static final Section<CorpusSpec> SECTION = Section.of(
                    CorpusKeys::corpus,
                    BUNDLED,
                    TEXT,
                    FORMAT,
                    TEXT_COLUMN,
                    TOKENS,
                    VALIDATION_FRACTION,
                    SPLIT,
                    MALFORMED)
            .atMostOneOf(BUNDLED, TEXT, TOKENS);

    /** The section, or a word for none. */
    static final Either<CorpusSpec> KINDS = Either.of(Choice.of("none"), none -> CorpusSpec.NONE, SECTION);

    private CorpusKeys() {}

    private static CorpusSpec corpus(Settings corpus) {
        Optional<Source> text =
                corpus.find(TEXT).map(paths -> new Source.Text(paths, corpus.get(FORMAT), corpus.get(TEXT_COLUMN)));
        Source source = corpus.find(TOKENS).or(() -> text).orElseGet(() -> new Source.Bundled(corpus.get(BUNDLED)));
        if (source instanceof Source.Tokens && corpus.get(SPLIT) == CorpusSpec.Split.FILE) {
            corpus.refuse(SPLIT, "is for text; with corpus.tokens give held-out files as corpus.tokens.validation");
        } else if (source instanceof Source.Bundled && corpus.get(SPLIT) == CorpusSpec.Split.FILE) {
            corpus.refuse(
                    SPLIT, "is for files of your own; the bundled text is single lines that have nothing in common");
        }
        return new CorpusSpec(source, corpus.get(VALIDATION_FRACTION), corpus.get(MALFORMED), corpus.get(SPLIT));
    }

    private static Source tokens(Settings tokens) {
        return new Source.Tokens(
                tokens.get(TRAIN),
                tokens.list(VALIDATION),
                tokens.get(VOCABULARY),
                tokens.findDouble(BYTES_PER_TOKEN),
                tokens.get(TYPE));
    }
}
