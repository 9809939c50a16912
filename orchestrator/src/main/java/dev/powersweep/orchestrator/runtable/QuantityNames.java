package dev.powersweep.orchestrator.runtable;

import dev.powersweep.fitting.law.KaplanForms;
import dev.powersweep.fitting.runs.Quantity;
import java.util.ArrayList;
import java.util.EnumMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Set;
import java.util.regex.Matcher;
import java.util.regex.Pattern;

/**
 * Which quantities a header may stand for, and how surely: names that say all come first, then names with a path or a unit,
 * then names put together from the field's words, and single letters last. Of losses, those of an evaluation come before
 * those that do not say, and those before training losses.
 */
final class QuantityNames {
    private static final int UNIT = 200;
    private static final int PATH = 400;
    private static final int WORDS = 600;
    private static final int UNKNOWN_WORDS = 300;
    private static final int BEST = 100;
    private static final int CLASS = 1000;
    /** Behind everything, the letter L too: losses of bytes, characters and words are not those that laws are told in. */
    private static final int NOT_PER_TOKEN = 9 * CLASS;

    private static final Map<String, Double> SUFFIXES = Map.ofEntries(
            Map.entry("k", 1e3),
            Map.entry("thousands", 1e3),
            Map.entry("m", 1e6),
            Map.entry("million", 1e6),
            Map.entry("millions", 1e6),
            Map.entry("b", 1e9),
            Map.entry("bn", 1e9),
            Map.entry("billion", 1e9),
            Map.entry("billions", 1e9),
            Map.entry("t", 1e12),
            Map.entry("trillion", 1e12),
            Map.entry("trillions", 1e12));
    private static final Set<Quantity> COUNTED = Set.of(Quantity.N, Quantity.D, Quantity.U);

    /** Names beside {@link Quantity#headers()}. */
    private static final Map<Quantity, List<String>> FURTHER = Map.of(
            Quantity.N,
                    List.of(
                            "n_non_emb",
                            "n_non_embed",
                            "n_non_embeddings",
                            "n_no_emb",
                            "n_no_embedding",
                            "n_without_embedding",
                            "n_without_embeddings",
                            "n_excl_embedding",
                            "n_excl_embeddings",
                            "n_excluding_embeddings"),
            Quantity.B, List.of("global_batch_tokens", "train_batch_tokens", "batch_size_in_tokens"),
            Quantity.S,
                    List.of(
                            "total_steps",
                            "max_steps",
                            "train_iters",
                            "training_iters",
                            "training_iterations",
                            "num_iterations",
                            "iterations",
                            "num_updates"),
            Quantity.U, List.of("unique_training_tokens", "unique_train_tokens"),
            Quantity.LEARNING_RATE, List.of("base_lr", "base_learning_rate", "max_learning_rate", "lr_max", "lr_peak"),
            Quantity.STEP, List.of("train_step", "training_step", "optimizer_step", "optimiser_step"));

    /** Batches whose name does not say of what. */
    static final Set<String> BATCH_OF_WHAT = Set.of(
            "b",
            "batch",
            "batchsize",
            "trainbatch",
            "bs",
            "bsz",
            "gbs",
            "gbsz",
            "globalbatch",
            "globalbatchsize",
            "trainbatchsize",
            "totalbatchsize");

    private static final Set<String> SIZE = Set.of("param", "params", "parameter", "parameters");
    private static final Set<String> OF_SIZE = Set.of(
            "n",
            "num",
            "number",
            "of",
            "count",
            "total",
            "non",
            "embedding",
            "embed",
            "emb",
            "embeddings",
            "nonembedding",
            "no",
            "without",
            "excl",
            "excluding",
            "model",
            "size",
            "effective",
            "eff",
            "trainable",
            "active",
            "activated",
            "all");
    private static final Set<String> DATA = Set.of("token", "tokens");
    private static final Set<String> OF_DATA = Set.of(
            "d",
            "n",
            "num",
            "number",
            "of",
            "count",
            "total",
            "train",
            "training",
            "trained",
            "pretraining",
            "pretrain",
            "seen",
            "consumed",
            "processed",
            "input",
            "used",
            "cumulative",
            "all",
            "data",
            "dataset",
            "size",
            "budget");
    private static final Set<String> WORK = Set.of("flop", "flops", "flos", "compute");
    private static final Set<String> OF_WORK = Set.of(
            "train",
            "training",
            "pretraining",
            "total",
            "model",
            "budget",
            "cumulative",
            "estimated",
            "est",
            "approx",
            "actual",
            "num",
            "consumed",
            "used",
            "c");

    /** Compute with a prefix before FLOPs, and in PF-days. */
    private static final Pattern PREFIXED =
            Pattern.compile("([gtpez])flops?|(pfdays?|pflopsdays?|petaflopsdays?|petaflopdays?)");

    private static final Map<String, Double> PREFIXES = Map.of("g", 1e9, "t", 1e12, "p", 1e15, "e", 1e18, "z", 1e21);
    /** FLOPs with these prefixes are as often a speed, and so are taken for an amount only where more says so. */
    private static final Set<String> SPEEDS = Set.of("g", "t", "p");

    private static final Set<String> RATE_PATH =
            Set.of("throughput", "speed", "perf", "performance", "rate", "timing", "time");
    private static final Set<String> AMOUNT = Set.of("total", "consumed", "seen", "processed", "cumulative");
    private static final Set<String> EVALUATION =
            Set.of("val", "valid", "validation", "eval", "evaluation", "evals", "test", "dev", "heldout", "holdout");
    private static final Set<String> TRAINING = Set.of("train", "training", "trn");
    /** Before a stroke or point these say that sizes, tokens and steps are not those of the run: {@code warmup/steps}. */
    private static final Set<String> OTHER_THINGS = Set.of(
            "1",
            "warmup",
            "cooldown",
            "decay",
            "logging",
            "save",
            "saving",
            "checkpoint",
            "checkpointing",
            "ckpt",
            "teacher",
            "draft",
            "reference",
            "ref",
            "embedding",
            "embeddings",
            "unembedding",
            "head",
            "vocab",
            "frozen",
            "adapter",
            "lora",
            "router",
            "expert",
            "layer",
            "block",
            "padding",
            "skipped",
            "remaining",
            "target",
            "finetune",
            "finetuning",
            "sft");

    /** What is computed from a loss is another thing: {@code loss - E}, {@code loss*100}, {@code log_loss}. */
    private static final Pattern COMPUTED = Pattern.compile(".*[\\^*+×]\\s*[^\\s)].*|.*-\\s*(\\d+\\.\\d+|E)\\s*"
            + "|(?i:(.*[^\\p{L}])?(log|log2|log10|ln|exp|sqrt)[ _(-][^/.]*|.*[ _-](log|log2|log10|ln))"
            + "|(.*[^\\p{L}])?(log|ln)(2|10)?(Loss|Ppl|Perplexity).*");

    private static final Set<String> LOSS_WORDS = Set.of(
            "loss",
            "nll",
            "xent",
            "ce",
            "cross",
            "entropy",
            "lm",
            "nats",
            "per",
            "token",
            "final",
            "mean",
            "avg",
            "average",
            "median",
            "end",
            "last",
            "ema",
            "smoothed",
            "smooth",
            "held",
            "out",
            "bpb",
            "bits",
            "byte",
            "nat",
            "bit",
            "character",
            "char",
            "word",
            "best",
            "lowest");
    /** What makes of a loss another thing. */
    private static final Set<String> NO_LOSS = Set.of(
            "std",
            "stddev",
            "stdev",
            "sd",
            "stderr",
            "sem",
            "se",
            "var",
            "variance",
            "err",
            "error",
            "ci",
            "low",
            "high",
            "lower",
            "upper",
            "scale",
            "scaler",
            "scaling",
            "weight",
            "weights",
            "mask",
            "aux",
            "auxiliary",
            "balance",
            "balancing",
            "router",
            "z",
            "zloss",
            "mtp",
            "kl",
            "distill",
            "distillation",
            "reg",
            "regularization",
            "norm",
            "delta",
            "diff",
            "difference",
            "gap",
            "spike",
            "spikes",
            "count",
            "num",
            "ratio",
            "threshold",
            "fn",
            "function",
            "type",
            "name",
            "coef",
            "coefficient",
            "max",
            "min",
            "initial",
            "init",
            "start",
            "first",
            "step",
            "steps",
            "time",
            "target",
            "predicted",
            "pred",
            "prediction",
            "fit",
            "fitted",
            "residual",
            "reducible",
            "irreducible",
            "accuracy",
            "acc",
            "grad",
            "square",
            "squared",
            "mse",
            "mae",
            "rmse",
            "pct",
            "percent",
            "percentage",
            "relative",
            "rel",
            "normalized",
            "normalised",
            "scaled",
            "excess",
            "change",
            "slope",
            "rate",
            "cv",
            "seconds",
            "ms",
            "teacher",
            "draft",
            "ref",
            "reference",
            "improvement",
            "reduction",
            "baseline",
            "id",
            "index",
            "rank");

    private static final Map<Quantity, List<String>> NAMES = names();

    private QuantityNames() {}

    private static Map<Quantity, List<String>> names() {
        Map<Quantity, List<String>> names = new EnumMap<>(Quantity.class);
        for (Quantity column : Quantity.values()) {
            List<String> known = new ArrayList<>(column.headers());
            known.addAll(FURTHER.getOrDefault(column, List.of()));
            names.put(
                    column,
                    known.stream()
                            .filter(name -> name.length() > 1)
                            .map(HeaderName::normal)
                            .toList());
        }
        return names;
    }

    /** Everything that the header at this position may stand for. */
    static List<Candidate> of(String header, int index) {
        HeaderName name = HeaderName.of(header);
        List<Candidate> candidates = new ArrayList<>();
        // A header without a letter or digit, as pandas writes over its index, stands for nothing.
        if (name.unit().isEmpty() || name.words().isEmpty()) {
            return candidates;
        }
        for (Quantity column : Quantity.values()) {
            Optional<Candidate> found =
                    column == Quantity.LOSS ? loss(header, name, index) : quantity(column, name, index);
            found.ifPresent(candidates::add);
        }
        letter(HeaderName.plain(header), name, index).ifPresent(candidates::add);
        return candidates;
    }

    private static Optional<Candidate> quantity(Quantity column, HeaderName name, int index) {
        if (name.spread() && column != Quantity.LEARNING_RATE && column != Quantity.S) {
            return Optional.empty();
        }
        double unit = name.unit().orElse(1);
        boolean amount = name.words().stream().anyMatch(AMOUNT::contains);
        boolean speed = name.words().stream().anyMatch(RATE_PATH::contains);
        boolean evaluated = name.words().stream().anyMatch(EVALUATION::contains);
        boolean ofTraining =
                column == Quantity.D || column == Quantity.C || column == Quantity.U || column == Quantity.B;
        if (ofTraining && (evaluated || speed && !amount) || column == Quantity.S && evaluated) {
            return Optional.empty();
        }
        for (int start = 0; start < name.forms().size(); start++) {
            List<String> form = name.forms().get(start);
            if (ofAnotherThing(name.before(start))) {
                break;
            }
            int path = start > 0 ? PATH : name.plain() ? 0 : UNIT / 2;
            int listed = NAMES.get(column).indexOf(String.join("", form));
            if (listed >= 0) {
                return Optional.of(new Candidate(column, index, unit, path + listed));
            }
            if (COUNTED.contains(column) && form.size() > 1) {
                Optional<Candidate> suffixed = suffixed(column, form, index, path + UNIT, unit);
                if (suffixed.isPresent()) {
                    return suffixed;
                }
            }
            if (column == Quantity.B && form.get(0).length() > 1 && BATCH_OF_WHAT.contains(String.join("", form))) {
                return Optional.of(new Candidate(column, index, unit, path + WORDS));
            }
            if (composed(column, form)) {
                return Optional.of(new Candidate(column, index, unit, path + WORDS));
            }
            if (column == Quantity.C) {
                Optional<Candidate> prefixed = prefixed(form, index, path + UNIT, unit);
                if (prefixed.isPresent()) {
                    return prefixed;
                }
            }
        }
        return Optional.empty();
    }

    /** A name with its unit behind it: params_M, tokens_in_billions. */
    private static Optional<Candidate> suffixed(Quantity column, List<String> form, int index, int rank, double unit) {
        Double suffix = SUFFIXES.get(form.get(form.size() - 1));
        if (suffix == null) {
            return Optional.empty();
        }
        List<String> name = form.subList(0, form.size() - 1);
        name = name.get(name.size() - 1).equals("in") ? name.subList(0, name.size() - 1) : name;
        int listed = NAMES.get(column).indexOf(String.join("", name));
        boolean known = listed >= 0 || composed(column, name);
        return known
                ? Optional.of(new Candidate(column, index, suffix * unit, rank + Math.max(listed, 0)))
                : Optional.empty();
    }

    private static boolean composed(Quantity column, List<String> form) {
        return switch (column) {
            case N -> made(form, SIZE, OF_SIZE) && (!embeds(form) || excludes(form));
            case D -> made(form, DATA, OF_DATA);
            case C -> made(form, WORK, OF_WORK);
            default -> false;
        };
    }

    private static boolean made(List<String> form, Set<String> heads, Set<String> others) {
        return form.stream().anyMatch(heads::contains)
                && form.stream().allMatch(word -> heads.contains(word) || others.contains(word));
    }

    private static boolean embeds(List<String> form) {
        return form.stream().anyMatch(Set.of("embedding", "embeddings", "embed", "emb")::contains);
    }

    private static boolean excludes(List<String> form) {
        return form.stream().anyMatch(Set.of("non", "no", "without", "excl", "excluding")::contains);
    }

    private static boolean ofAnotherThing(List<String> path) {
        return path.stream().anyMatch(OTHER_THINGS::contains) && !(embeds(path) && excludes(path));
    }

    private static Optional<Candidate> prefixed(List<String> form, int index, int rank, double unit) {
        List<String> qualifiers = new ArrayList<>();
        StringBuilder rest = new StringBuilder();
        for (String word : form) {
            if (rest.isEmpty() && (OF_WORK.contains(word) || WORK.contains(word))) {
                qualifiers.add(word);
            } else {
                rest.append(word);
            }
        }
        Matcher said = PREFIXED.matcher(rest);
        if (!said.matches() || qualifiers.isEmpty() && SPEEDS.contains(said.group(1))) {
            return Optional.empty();
        }
        double factor = said.group(1) == null ? KaplanForms.FLOPS_PER_PF_DAY : PREFIXES.get(said.group(1));
        return Optional.of(new Candidate(Quantity.C, index, factor * unit, rank));
    }

    /** In what the losses of a header are counted; empty where it names no loss. */
    static Optional<CountedLoss> counted(String header) {
        HeaderName name = HeaderName.of(header);
        List<String> words = lossWords(name.words());
        boolean other = name.unit().isEmpty()
                || name.spread()
                || words.stream().anyMatch(NO_LOSS::contains)
                || words.size() > 1 && words.get(words.size() - 1).equals("tokens") && !words.contains("per")
                || name.unit().orElse(1) == 1
                        && COMPUTED.matcher(HeaderName.plain(header)).matches();
        return other ? Optional.empty() : CountedLoss.of(words);
    }

    /** Whether a header names perplexities. */
    static boolean perplexity(String header) {
        return counted(header).filter(CountedLoss::logarithm).isPresent();
    }

    /** Whether a header names a loss in bits and does not say of what. */
    static boolean bitsOfWhat(String header) {
        return counted(header)
                .filter(counted ->
                        counted.form() == CountedLoss.Form.BITS && counted.of().isEmpty())
                .isPresent();
    }

    private static Optional<Candidate> loss(String header, HeaderName name, int index) {
        Optional<CountedLoss> known = counted(header);
        boolean scaled = name.unit().orElse(1) != 1;
        if (known.isEmpty() || bitsOfWhat(header) || known.get().logarithm() && scaled) {
            return Optional.empty();
        }
        CountedLoss counted = known.get();
        List<String> words = lossWords(name.words());
        boolean evaluated =
                words.stream().anyMatch(EVALUATION::contains) || words.contains("held") && words.contains("out");
        boolean trained = !evaluated && words.stream().anyMatch(TRAINING::contains);
        int rank = !counted.perToken() ? NOT_PER_TOKEN : evaluated ? 0 : trained ? 2 * CLASS : CLASS;
        boolean usual = words.stream()
                .allMatch(word -> LOSS_WORDS.contains(word) || EVALUATION.contains(word) || TRAINING.contains(word));
        int listed = NAMES.get(Quantity.LOSS).indexOf(String.join("", words));
        rank += listed >= 0 ? listed : usual ? 30 : UNKNOWN_WORDS;
        rank += counted.form() == CountedLoss.Form.NATS ? 0 : UNKNOWN_WORDS + BEST;
        rank += words.contains("best") || words.contains("lowest") ? BEST : 0;
        rank += words.contains("test") ? BEST / 2 : 0;
        double unit = name.unit().orElse(1) * counted.unit();
        return Optional.of(new Candidate(Quantity.LOSS, index, unit, rank, counted.logarithm()));
    }

    /** Words with those parted that people write as one: valloss. */
    private static List<String> lossWords(List<String> words) {
        List<String> parted = new ArrayList<>();
        for (String word : words) {
            String before = word.endsWith("loss") ? word.substring(0, word.length() - "loss".length()) : "";
            boolean perplexity = word.length() > 3 && word.endsWith("ppl");
            String measured = perplexity ? word.substring(0, word.length() - 3) : before;
            if (EVALUATION.contains(measured) || TRAINING.contains(measured) || LOSS_WORDS.contains(measured)) {
                parted.add(measured);
                parted.add(perplexity ? "ppl" : "loss");
            } else {
                parted.add(word);
            }
        }
        return parted;
    }

    /** A letter alone: w never, l and s only as the capitals that the field writes for loss and steps. */
    private static Optional<Candidate> letter(String header, HeaderName name, int index) {
        List<String> words = name.words();
        if (name.forms().size() != 1 || words.size() != 1 || words.get(0).length() != 1 || name.spread()) {
            return Optional.empty();
        }
        boolean capital = Character.isUpperCase(header.charAt(0));
        Quantity column =
                switch (words.get(0)) {
                    case "n" -> Quantity.N;
                    case "d" -> Quantity.D;
                    case "c" -> Quantity.C;
                    case "b" -> Quantity.B;
                    case "u" -> Quantity.U;
                    case "l" -> capital || !name.plain() ? Quantity.LOSS : Quantity.WEIGHT;
                    case "s" -> capital || !name.plain() ? Quantity.S : Quantity.WEIGHT;
                    default -> Quantity.WEIGHT;
                };
        if (column == Quantity.WEIGHT) {
            return Optional.empty();
        }
        // A unit in brackets says what the letter means.
        int rank = !name.plain() ? UNIT : capital ? Candidate.LETTER : Candidate.SMALL_LETTER;
        return Optional.of(new Candidate(column, index, name.unit().orElse(1), rank));
    }

    /** Whether a header names a batch without saying of what. */
    static boolean batchOfWhat(String header) {
        return HeaderName.of(header).forms().stream().anyMatch(form -> BATCH_OF_WHAT.contains(String.join("", form)));
    }
}
