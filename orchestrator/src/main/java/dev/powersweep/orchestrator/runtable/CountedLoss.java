package dev.powersweep.orchestrator.runtable;

import java.util.List;
import java.util.Optional;
import java.util.Set;

/**
 * In what a header says that its losses are counted. Laws are fitted to nats per token; a perplexity is the exponential of
 * nats, and bits are nats divided by ln 2.
 *
 * @param form nats where the header says nothing else
 * @param of what each loss is counted of: token, byte, character, word, sequence; empty where the header does not say
 */
record CountedLoss(Form form, Optional<String> of) {
    enum Form {
        NATS,
        BITS,
        PERPLEXITY
    }

    private static final String TOKEN = "token";
    private static final Set<String> PERPLEXITIES = Set.of("ppl", "ppls", "perplexity", "perplexities");
    private static final Set<String> BITS = Set.of("bit", "bits", "bpb", "bpc");
    private static final Set<String> LOSSES = Set.of("loss", "nll", "xent", "nats");

    /** With these a letter L is a loss: L_val. */
    private static final Set<String> SPLITS =
            Set.of("val", "valid", "validation", "eval", "test", "train", "heldout", "holdout");

    /** Reads the words of a header; empty where they name no loss. */
    static Optional<CountedLoss> of(List<String> words) {
        boolean perplexity = words.stream().anyMatch(PERPLEXITIES::contains);
        boolean loss = words.stream().anyMatch(LOSSES::contains)
                || words.contains("cross") && words.contains("entropy")
                || words.size() == 2 && words.contains("l") && words.stream().anyMatch(SPLITS::contains);
        boolean bits = words.stream().anyMatch(BITS::contains);
        Optional<String> counted = counted(words, perplexity || bits);
        if (perplexity) {
            return Optional.of(new CountedLoss(Form.PERPLEXITY, counted));
        }
        if (bits && (loss || counted.isPresent())) {
            return Optional.of(new CountedLoss(Form.BITS, counted));
        }
        return loss ? Optional.of(new CountedLoss(Form.NATS, counted)) : Optional.empty();
    }

    private static Optional<String> counted(List<String> words, boolean anywhere) {
        Optional<String> found = Optional.empty();
        for (int i = 0; i < words.size(); i++) {
            Optional<String> one = one(words.get(i));
            boolean sure = i > 0 && words.get(i - 1).equals("per") || BITS.contains(words.get(i));
            if (one.isPresent() && sure) {
                return one;
            }
            found = found.isEmpty() && anywhere ? one : found;
        }
        return found;
    }

    private static Optional<String> one(String word) {
        return switch (word) {
            case "token", "tokens", "tok" -> Optional.of(TOKEN);
            case "byte", "bytes", "bpb" -> Optional.of("byte");
            case "char", "chars", "character", "characters", "bpc" -> Optional.of("character");
            case "word", "words" -> Optional.of("word");
            case "sequence", "seq", "sample", "sentence", "document", "doc", "example" -> Optional.of("sequence");
            default -> Optional.empty();
        };
    }

    /** Whether it is counted in nats per token once {@link #unit()} and {@link #logarithm()} are applied. */
    boolean perToken() {
        return of.map(TOKEN::equals).orElse(form != Form.BITS);
    }

    boolean logarithm() {
        return form == Form.PERPLEXITY;
    }

    /** What turns it into nats, or its own unit where nats per token cannot be had. */
    double unit() {
        return form == Form.BITS && perToken() ? Math.log(2) : 1;
    }

    /** The unit in words: "bits per byte". */
    String text() {
        return (form == Form.BITS ? "bits" : "nats")
                + of.map(what -> " per " + what).orElse("");
    }
}
