package dev.powersweep.orchestrator.spec;

import static dev.powersweep.orchestrator.spec.SpecKey.optional;
import static dev.powersweep.orchestrator.spec.SpecKey.required;
import static dev.powersweep.orchestrator.spec.SpecKey.section;
import static dev.powersweep.orchestrator.spec.SpecKey.withDefault;

import dev.powersweep.orchestrator.spec.ValueKind.Choice;
import dev.powersweep.orchestrator.spec.ValueKind.Either;
import dev.powersweep.orchestrator.spec.ValueKind.Many;
import dev.powersweep.orchestrator.spec.ValueKind.Named;
import dev.powersweep.orchestrator.spec.ValueKind.Numeric;
import dev.powersweep.orchestrator.spec.ValueKind.Section;
import dev.powersweep.orchestrator.spec.ValueKind.Text;
import java.math.BigDecimal;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;

/** Every key of the specification. */
final class SpecKeys {
    static final String NAME_PATTERN = "[A-Za-z0-9][A-Za-z0-9._-]{0,63}";
    private static final Text NAME =
            new Text(NAME_PATTERN, "letters, digits, '.', '_' and '-', at most 64, a letter or digit first");
    private static final Many PATHS = new Many(new Text(".+", "a path or glob"));
    private static final int LARGEST_VOCABULARY = 1 << 16;
    private static final Numeric COUNT = Numeric.whole(1, 1_000_000);
    /** Beyond it a run's first step is its last. */
    private static final Numeric RATE = Numeric.above(0, 1e6);
    /** Thirty years, so that every sum of nanoseconds fits. */
    private static final double MOST_SECONDS = 1e9;

    private static final Numeric SECONDS = Numeric.above(0, MOST_SECONDS);
    private static final Numeric SECONDS_OR_NONE = Numeric.closed(0, MOST_SECONDS);

    private SpecKeys() {}

    static final Section ROOT = Section.of(
            optional("name", NAME, "the file's name without its extension", "Name of the sweep."),
            section("corpus", corpus(), "The text to train on."),
            withDefault(
                    "tokenizer",
                    new Either(
                            List.of(Choice.of("bytes", "gpt2")),
                            Section.of(
                                    required(
                                            "kind",
                                            Choice.of("bytes", "bpe", "gpt2", "file"),
                                            "`bytes`: one token a byte. `bpe`: byte-pair encoding trained on the corpus. `gpt2`: GPT-2's vocabulary of 50,257. `file`: Hugging Face's `tokenizer.json`."),
                                    optional(
                                            "path",
                                            Text.ANY,
                                            "none",
                                            "The `tokenizer.json` of kind `file`, on any Hadoop file system; at most 65,536 token kinds."),
                                    withDefault(
                                            "vocabulary",
                                            Numeric.whole(257, LARGEST_VOCABULARY),
                                            "4096",
                                            "Token kinds of a `bpe` tokenizer, the 256 bytes among them."))),
                    "bytes",
                    "How text becomes tokens."),
            withDefault("context", Numeric.whole(1, 65_536), "128", "Tokens a sequence holds, n_ctx."),
            section("model", model(), "What all models of the sweep have in common."),
            required("grid", grid(), "The cells: every combination of the axes, unless said otherwise."),
            section("training", training(), "How each cell is trained."),
            section("evaluation", evaluation(), "When and on what each cell is evaluated."),
            section("resources", resources(), "What a cell may use."),
            section(
                    "run",
                    run(),
                    "Checkpoints, reports and the failure policy; nothing here changes a cell's numbers."),
            optional("output", Text.ANY, "named on the command line", "DIR, the sweep's directory."));

    private static Section corpus() {
        return Section.of(
                        optional(
                                "bundled",
                                Choice.of("wordnet"),
                                "`wordnet`, unless `text` or `tokens` is given",
                                "Text that arrives with PowerSweep: the definitions and example sentences of WordNet 3.1, 9 MB of English."),
                        optional(
                                "text",
                                PATHS,
                                "none",
                                "Files, directories (read with all below them) and globs on any Hadoop file system."),
                        withDefault(
                                "format",
                                Choice.of("auto", "text", "parquet"),
                                "auto",
                                "`auto` takes files ending in .parquet as Parquet, all others as text."),
                        withDefault("textColumn", Text.ANY, "text", "The column that holds the text of Parquet files."),
                        optional(
                                "tokens",
                                Section.of(
                                        required("train", PATHS, "Files of unsigned 16-bit little-endian tokens."),
                                        optional(
                                                "validation",
                                                PATHS,
                                                "blocks of the training files are held out",
                                                "Files of held-out tokens."),
                                        required("vocabulary", Numeric.whole(2, LARGEST_VOCABULARY), "Token kinds."),
                                        optional(
                                                "bytesPerToken",
                                                Numeric.above(0, 1e6),
                                                "no bits per byte",
                                                "Mean UTF-8 bytes of text a token stands for.")),
                                "none",
                                "Tokens made elsewhere, in nanoGPT's `.bin` layout."),
                        withDefault(
                                "validationFraction",
                                Numeric.closed(0.001, 0.5),
                                "0.05",
                                "Share of the text held out, in thousandths; blocks are chosen by a hash of their content."),
                        withDefault(
                                "malformed",
                                Choice.of("fail", "replace"),
                                "fail",
                                "Bytes that are not UTF-8: refuse the file, or put U+FFFD in their place."))
                .atMostOneOf("bundled", "text", "tokens");
    }

    private static Section model() {
        return Section.of(
                withDefault("activation", Choice.of("gelu", "squared-relu"), "gelu", "Of the feed-forward map."),
                withDefault("positions", Choice.of("learned", "rotary"), "learned", "How positions are told apart."),
                withDefault("normalization", Choice.of("layer-norm", "rms-norm"), "layer-norm", "Before each branch."),
                withDefault(
                        "embeddings",
                        Choice.of("tied", "untied"),
                        "tied",
                        "Whether the unembedding is the token embedding itself."));
    }

    private static Section grid() {
        List<SpecKey> keys = new ArrayList<>(part());
        keys.add(optional(
                "union",
                new Many(partRules(new Section(part(), List.of(), List.of()))),
                "one part",
                "Several parts, each with the keys of `grid`; cells that two parts share are trained once. "
                        + "`seeds` and `where` beside it hold for every part."));
        Section grid = new Section(List.copyOf(keys), List.of(), List.of())
                .atLeastOneOf("modelSizes", "union")
                .atLeastOneOf("dataSizes", "budgets", "union")
                .atMostOneOf("dataSizes", "budgets");
        for (String axis : List.of("modelSizes", "dataSizes", "budgets", "batchSizes", "uniqueTokens", "combine")) {
            grid = grid.atMostOneOf(axis, "union");
        }
        return grid;
    }

    private static Section partRules(Section part) {
        return part.atLeastOneOf("modelSizes")
                .atLeastOneOf("dataSizes", "budgets")
                .atMostOneOf("dataSizes", "budgets");
    }

    private static List<SpecKey> part() {
        return List.of(
                optional(
                        "combine",
                        Choice.of("product", "zip", "isoflop"),
                        "`isoflop` where `budgets` is given, `product` otherwise",
                        "`product`: every combination. `zip`: first with first, second with second; a single entry serves all. "
                                + "`isoflop`: every model size at every budget, D = C / (6·N)."),
                optional(
                        "modelSizes",
                        new Many(new Either(
                                List.of(Numeric.wholeFrom(1)),
                                Section.of(
                                        required("layers", Numeric.whole(1, 1000), "Blocks, n_layer."),
                                        required("width", Numeric.whole(1, 65_536), "Residual width, d_model."),
                                        optional(
                                                "heads",
                                                Numeric.whole(1, 1024),
                                                "by width",
                                                "Attention heads; a divisor of width."),
                                        optional(
                                                "feedForward",
                                                Numeric.whole(1, 1_000_000),
                                                "4 · width",
                                                "Inner width of the feed-forward map, d_ff.")))),
                        "a problem",
                        "Shapes, or target non-embedding parameters N, for which the nearest sensible shape is taken: "
                                + "width a multiple of 16, at least 2 layers, width / layers near 32 … 64."),
                optional(
                        "dataSizes",
                        new Many(Numeric.wholeFrom(1)),
                        "a problem, unless `budgets` is given",
                        "D, training tokens a run sees; rounded to whole steps."),
                optional(
                        "budgets",
                        new Many(Numeric.sizeAbove("0")),
                        "no IsoFLOP profile",
                        "C, training FLOPs of IsoFLOP profiles."),
                optional(
                        "batchSizes",
                        new Many(new Either(
                                List.of(Numeric.wholeFrom(1)),
                                Section.of(required("sequences", COUNT, "Sequences of a batch.")))),
                        "`{sequences: 16}`",
                        "B, tokens of a batch (rounded to whole sequences), or sequences."),
                optional(
                        "uniqueTokens",
                        new Many(Numeric.wholeFrom(2)),
                        "all that a run sees, at most the corpus",
                        "U: runs see only the first U training tokens, again and again."),
                optional("seeds", new Many(Numeric.whole(0, 1_000_000_000)), "`[0]`", "Replicates, by number."),
                optional(
                        "where",
                        new Text(".+", "a condition over N, D, B, S, C, U"),
                        "all cells",
                        "Keeps the cells for which it holds, e.g. `D >= 10*N and C < 1e15`."));
    }

    private static Section training() {
        return Section.of(
                withDefault(
                        "optimizer",
                        new Either(
                                List.of(Choice.of("adamw")),
                                Section.of(
                                        withDefault("kind", Choice.of("adamw"), "adamw", "AdamW."),
                                        withDefault("beta1", Numeric.halfOpen(0, 1), "0.9", "First-moment decay."),
                                        withDefault("beta2", Numeric.halfOpen(0, 1), "0.95", "Second-moment decay."),
                                        withDefault("epsilon", Numeric.above(0, 1), "1e-8", "Denominator term."),
                                        withDefault(
                                                "weightDecay",
                                                Numeric.closed(0, 1000),
                                                "0.1",
                                                "Decoupled decay of matrices and embeddings."))),
                        "adamw",
                        "The optimiser."),
                withDefault(
                        "learningRate",
                        new Either(
                                List.of(RATE, Choice.of("kaplan")),
                                Section.of(
                                        withDefault(
                                                "rule",
                                                Choice.of("constant", "kaplan", "mup"),
                                                "constant",
                                                "`kaplan`: .003239 − .0001395·ln N. `mup`: the value at a base width, transferred by width."),
                                        optional(
                                                "value",
                                                RATE,
                                                "a problem, unless `rule` is `kaplan`",
                                                "Peak learning rate."),
                                        optional(
                                                "baseWidth",
                                                Numeric.whole(1, 65_536),
                                                "a problem, where `rule` is `mup`",
                                                "Width at which the value holds under μP."),
                                        withDefault(
                                                "batchScaling",
                                                Choice.of("none", "sqrt", "linear"),
                                                "none",
                                                "How the rate follows the batch."),
                                        optional(
                                                "referenceBatch",
                                                Numeric.wholeFrom(1),
                                                "a problem, where `batchScaling` is not `none`",
                                                "Tokens of the batch at which the rate holds unscaled."))),
                        "0.003",
                        "Peak learning rate: a value, `kaplan`, or a rule with its terms."),
                withDefault(
                        "warmup",
                        Section.of(
                                        optional(
                                                "steps",
                                                Numeric.wholeFrom(0),
                                                "`fraction`",
                                                "Steps of the linear rise."),
                                        optional(
                                                "fraction",
                                                Numeric.closed(0, 1),
                                                "0.05, unless `steps` is given",
                                                "The same as a share of a run's steps."))
                                .atMostOneOf("steps", "fraction"),
                        "{}",
                        "Linear warm-up; give steps or a fraction."),
                withDefault(
                        "schedule",
                        new Either(
                                List.of(Choice.of("cosine", "linear", "constant", "constant-with-cooldown")),
                                Section.of(
                                        required(
                                                "kind",
                                                Choice.of("cosine", "linear", "constant", "constant-with-cooldown"),
                                                "Form of the fall after the warm-up."),
                                        withDefault(
                                                "finalFraction",
                                                Numeric.closed(0, 1),
                                                "0.1",
                                                "Share of the peak reached at the end by `cosine` and `linear`."),
                                        withDefault(
                                                "cooldownFraction",
                                                new Numeric(
                                                        ValueKind.Notation.PLAIN,
                                                        false,
                                                        Optional.of(new ValueKind.Bound(BigDecimal.ZERO, false)),
                                                        Optional.of(new ValueKind.Bound(BigDecimal.ONE, true))),
                                                "0.2",
                                                "Share of the steps that `constant-with-cooldown` falls over."))),
                        "cosine",
                        "What the learning rate does after the warm-up."),
                withDefault(
                        "trunk",
                        Choice.of("separate", "shared"),
                        "separate",
                        "`shared`: cells that differ in D alone have the same initial weights and data order and are one run up to their "
                                + "cooldowns, trained once; needs schedule `constant-with-cooldown`, `warmup.steps`, and "
                                + "`evaluation.everySteps` or `everyTokens`."),
                withDefault(
                        "gradientClip",
                        Numeric.closed(0, 1e9),
                        "1.0",
                        "Largest global gradient norm; 0 for no clipping."),
                withDefault(
                        "dropout", Numeric.halfOpen(0, 1), "0", "Share dropped from embeddings and residual branches."),
                optional(
                        "initialStandardDeviation",
                        Numeric.above(0, 100),
                        "0.02·√(768/width), GPT-2's 0.02 at its own width",
                        "Of weights; residual projections are divided by √(2·layers)."),
                withDefault(
                        "maxEpochs",
                        Numeric.closed(1, 1e9),
                        "1",
                        "Most passes over the corpus; above 1, data sizes may exceed the corpus."),
                optional(
                        "earlyStopping",
                        COUNT,
                        "runs go to their end",
                        "Evaluations without improvement after which a run ends."),
                section(
                        "divergence",
                        Section.of(
                                withDefault(
                                        "lossAboveInitial",
                                        Numeric.above(0, 1e9),
                                        "1.0",
                                        "Nats per token above ln(vocabulary) that count as too high."),
                                withDefault("windowSteps", COUNT, "50", "Consecutive steps above it.")),
                        "When a run counts as diverged; NaN and infinity always do."));
    }

    private static Section evaluation() {
        return Section.of(
                        optional(
                                "timesPerRun",
                                COUNT,
                                "5, unless another interval is given",
                                "Evaluations, equally spaced."),
                        optional("everySteps", Numeric.wholeFrom(1), "`timesPerRun`", "Steps between evaluations."),
                        optional("everyTokens", Numeric.wholeFrom(1), "`timesPerRun`", "Tokens between evaluations."),
                        withDefault(
                                "tokens",
                                Numeric.wholeFrom(1),
                                "32768",
                                "Held-out tokens scored each time; the same ones every time."),
                        withDefault(
                                "sets",
                                new Named(NAME_PATTERN, PATHS),
                                "{}",
                                "Further held-out texts, name: paths; the corpus's own comes first, as `validation`."))
                .atMostOneOf("timesPerRun", "everySteps", "everyTokens");
    }

    private static Section resources() {
        return Section.of(
                withDefault("threads", Numeric.whole(1, 1024), "1", "Threads of a trainer."),
                optional(
                        "memory",
                        Numeric.bytesFrom(128L << 20),
                        "the plan's estimate with room to spare",
                        "Most memory of a trainer."),
                withDefault("gpus", Numeric.whole(0, 64), "0", "GPUs of a trainer; 0 for the CPU backend."),
                optional("trainerJava", Text.ANY, "the executor's own", "Java home that trainers run on."));
    }

    private static Section run() {
        return Section.of(
                withDefault(
                        "checkpointSeconds", SECONDS_OR_NONE, "60", "Between checkpoints; 0 for one at the end only."),
                withDefault("reportSeconds", SECONDS, "1", "Most time between a trainer's progress reports."),
                withDefault(
                        "timeoutSeconds",
                        SECONDS_OR_NONE,
                        "0",
                        "After which an attempt counts as timed out; 0 for ten times the prediction and at least ten minutes."),
                withDefault("hangSeconds", SECONDS, "300", "Without any report after which a trainer counts as stuck."),
                withDefault(
                        "maxAttempts",
                        COUNT,
                        "3",
                        "Attempts a cell may use up by failures it is to blame for; lost executors never count."),
                withDefault(
                        "equalFailuresToStop",
                        Numeric.whole(0, 1_000_000),
                        "10",
                        "Failures of one class and message in a row that stop the sweep; 0 to never stop."),
                withDefault(
                        "probeSeconds",
                        SECONDS_OR_NONE,
                        "6",
                        "Most time, on each slot, for measuring how fast cells train before they are planned, and at most a twentieth of what the sweep will take; 0 to measure nothing."));
    }
}
