package dev.powersweep.orchestrator.cli;

import dev.powersweep.orchestrator.grid.CorpusFacts;
import dev.powersweep.orchestrator.plan.Slots;
import dev.powersweep.orchestrator.text.Numbers;
import java.util.List;
import java.util.Locale;
import java.util.stream.Collectors;

/**
 * The text of a first specification.
 *
 * @param name of the sweep, from the text's path
 * @param text that is trained on, as it was given
 * @param wholeFiles whether files are held out whole
 */
record InitialSpecification(String name, String text, double hours, boolean wholeFiles) {
    /** Below so many hours sequences are short, so that small batches have several. */
    private static final double SHORT = 0.3;

    private static final int LONGEST_NAME = 40;

    static InitialSpecification of(String text, double hours) {
        String last = text.replaceFirst("/+$", "");
        String stem = last.substring(last.lastIndexOf('/') + 1).replaceFirst("(?<=.)\\..*$", "");
        String word = stem.replaceAll("[^A-Za-z0-9._-]+", "-")
                .replaceFirst("^[^A-Za-z0-9]+", "")
                .replaceFirst("-+$", "");
        return new InitialSpecification(
                word.isEmpty() ? "sweep" : word.substring(0, Math.min(LONGEST_NAME, word.length())),
                text,
                hours,
                false);
    }

    /** The same with whole files held out. */
    InitialSpecification byFile() {
        return new InitialSpecification(name, text, hours, true);
    }

    /** As it is before a design. */
    String undesigned() {
        return text("", "") + "  design: auto\n  hours: " + time() + "\n";
    }

    /** The whole, with comments. */
    String designed(List<String> parts, String read, CorpusFacts facts, Slots slots) {
        String head =
                "# Made by powersweep init, for " + slots.count() + " slots of this machine. Every key: docs/spec.md.\n"
                        + "#   powersweep run FILE --dry-run    what it trains, how long it takes, what it will answer\n"
                        + "#   powersweep run FILE              trains, fits, reports; again: goes on\n";
        String corpus =
                "# " + read.replace('\n', ' ') + ": " + Numbers.count(facts.trainTokens()) + " tokens to train on.\n";
        return text(head, corpus)
                + "  # Made for the time below. Without `union` it is designed anew for the machine that runs it.\n"
                + "  design: auto\n  hours: " + time() + "\n"
                + "  union:\n"
                + "    # Sizes at equal compute: of each budget the best size should lie inside. Then batches on both sides\n"
                + "    # of the expected critical one, and half and twice the rule's learning rate, on a few of the cells.\n"
                + parts.stream().map(part -> "    - " + part + "\n").collect(Collectors.joining());
    }

    private String text(String head, String corpus) {
        return head + "name: " + name + "\n"
                + corpus
                + "corpus:\n  text: '" + text.replace("'", "''") + "'\n"
                + (wholeFiles ? "  split: file                # no file stands on both sides\n" : "")
                + "# One token a byte. {kind: bpe, vocabulary: 4096} makes models of words and fewer tokens.\n"
                + "tokenizer: bytes\n"
                + "context: " + (hours < SHORT ? 64 : 128) + "\n"
                + "training:\n"
                + "  # A rough rule from small models of English; powersweep plan DIR --learning-rate fits it to your runs.\n"
                + "  learningRate: {rule: power, coefficient: 0.092, model: -0.265, batch: 0.5, data: -0.2}\n"
                + "  warmup: {fraction: 0.1}\n"
                + "  optimizer: {beta2: 0.99}\n"
                + "evaluation:\n  timesPerRun: 4\n  tokens: 131072\n"
                + "grid:\n";
    }

    private String time() {
        return String.format(Locale.ROOT, "%s", hours);
    }
}
