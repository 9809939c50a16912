package dev.powersweep.orchestrator.spec;

import static dev.powersweep.orchestrator.spec.SpecKey.optional;
import static dev.powersweep.orchestrator.spec.SpecKey.required;
import static dev.powersweep.orchestrator.spec.SpecKey.withDefault;

import dev.powersweep.orchestrator.spec.CorpusSpec.Source;
import dev.powersweep.orchestrator.spec.ValueKind.Choice;
import dev.powersweep.orchestrator.spec.ValueKind.Many;
import dev.powersweep.orchestrator.spec.ValueKind.Numeric;
import dev.powersweep.orchestrator.spec.ValueKind.Section;
import dev.powersweep.orchestrator.spec.ValueKind.Text;
import java.util.List;
import java.util.Optional;

/** The keys of {@code corpus}. */
final class CorpusKeys {
    static final Many<String> PATHS = new Many<>(Text.of(".+", "a path or glob"));
    static final int LARGEST_VOCABULARY = 1 << 16;

    private static final SpecKey<List<String>> TRAIN =
            required("train", PATHS, "Files of unsigned 16-bit little-endian tokens.");
    private static final SpecKey<List<String>> VALIDATION =
            optional("validation", PATHS, "blocks of the training files are held out", "Files of held-out tokens.");
    private static final SpecKey<Integer> VOCABULARY =
            required("vocabulary", Numeric.whole(2, LARGEST_VOCABULARY), "Token kinds.");
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
            "`auto` takes files ending in .parquet as Parquet, all others as text.");
    private static final SpecKey<String> TEXT_COLUMN =
            withDefault("textColumn", Text.ANY, "text", "The column that holds the text of Parquet files.");
    private static final SpecKey<Source> TOKENS = optional(
            "tokens",
            Section.of(CorpusKeys::tokens, TRAIN, VALIDATION, VOCABULARY, BYTES_PER_TOKEN),
            "none",
            "Tokens made elsewhere, in nanoGPT's `.bin` layout.");
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
    private static final SpecKey<CorpusSpec.Malformed> MALFORMED = withDefault(
            "malformed",
            Choice.of(CorpusSpec.Malformed.class),
            "fail",
            "Bytes that are not UTF-8: refuse the file, or put U+FFFD in their place.");

    static final Section<CorpusSpec> SECTION = Section.of(
                    CorpusKeys::corpus, BUNDLED, TEXT, FORMAT, TEXT_COLUMN, TOKENS, VALIDATION_FRACTION, MALFORMED)
            .atMostOneOf(BUNDLED, TEXT, TOKENS);

    private CorpusKeys() {}

    private static CorpusSpec corpus(Settings corpus) {
        Optional<Source> text =
                corpus.find(TEXT).map(paths -> new Source.Text(paths, corpus.get(FORMAT), corpus.get(TEXT_COLUMN)));
        Source source = corpus.find(TOKENS).or(() -> text).orElseGet(() -> new Source.Bundled(corpus.get(BUNDLED)));
        return new CorpusSpec(source, corpus.get(VALIDATION_FRACTION), corpus.get(MALFORMED));
    }

    private static Source tokens(Settings tokens) {
        return new Source.Tokens(
                tokens.get(TRAIN), tokens.list(VALIDATION), tokens.get(VOCABULARY), tokens.findDouble(BYTES_PER_TOKEN));
    }
}
