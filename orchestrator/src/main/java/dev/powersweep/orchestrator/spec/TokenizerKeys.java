package dev.powersweep.orchestrator.spec;

import static dev.powersweep.orchestrator.spec.SpecKey.optional;
import static dev.powersweep.orchestrator.spec.SpecKey.required;
import static dev.powersweep.orchestrator.spec.SpecKey.withDefault;

import dev.powersweep.orchestrator.spec.ValueKind.Choice;
import dev.powersweep.orchestrator.spec.ValueKind.Either;
import dev.powersweep.orchestrator.spec.ValueKind.Numeric;
import dev.powersweep.orchestrator.spec.ValueKind.Section;
import dev.powersweep.orchestrator.spec.ValueKind.Text;
import java.util.List;
import java.util.Locale;

/** The keys of {@code tokenizer}. */
final class TokenizerKeys {
    private enum Kind {
        BYTES,
        BPE,
        GPT2,
        FILE
    }

    private static final SpecKey<Kind> KIND = required(
            "kind",
            Choice.of(Kind.class),
            "`bytes`: one token a byte. `bpe`: byte-pair encoding trained on the corpus. `gpt2`: GPT-2's vocabulary of 50,257. `file`: Hugging Face's `tokenizer.json`.");
    private static final SpecKey<String> PATH =
            optional("path", Text.ANY, "none", "The `tokenizer.json` of kind `file`, on any Hadoop file system.");
    private static final SpecKey<Integer> VOCABULARY = withDefault(
            "vocabulary",
            Numeric.whole(257, CorpusKeys.LARGEST_VOCABULARY),
            "4096",
            "Token kinds of a `bpe` tokenizer, the 256 bytes among them.");

    static final Either<TokenizerSpec> KINDS = Either.shorthand(
            Choice.of(List.of(Kind.BYTES, Kind.GPT2)),
            KIND,
            Section.of(TokenizerKeys::tokenizer, KIND, PATH, VOCABULARY));

    private TokenizerKeys() {}

    private static TokenizerSpec tokenizer(Settings tokenizer) {
        Kind kind = tokenizer.get(KIND);
        String word = kind.name().toLowerCase(Locale.ROOT);
        if (kind != Kind.BPE) {
            tokenizer.refuse(
                    VOCABULARY,
                    "belongs to kind bpe, not to " + word + "; the others' vocabularies follow from themselves");
        }
        if (kind != Kind.FILE) {
            tokenizer.refuse(PATH, "belongs to kind file, not to " + word + "; the others need none");
        } else {
            tokenizer.need(PATH, "kind file needs the path of a tokenizer.json");
        }
        return switch (kind) {
            case BYTES -> new TokenizerSpec.Bytes();
            case BPE -> new TokenizerSpec.Bpe(tokenizer.get(VOCABULARY));
            case GPT2 -> new TokenizerSpec.Gpt2();
            case FILE -> new TokenizerSpec.JsonFile(tokenizer.find(PATH).orElse(""));
        };
    }
}
