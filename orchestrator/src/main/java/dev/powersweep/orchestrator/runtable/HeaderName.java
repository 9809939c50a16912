package dev.powersweep.orchestrator.runtable;

import dev.powersweep.fitting.law.KaplanForms;
import java.util.ArrayList;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.OptionalDouble;
import java.util.Set;
import java.util.regex.Matcher;
import java.util.regex.Pattern;

/**
 * A header as it is compared: in words, without regard to case, blanks, hyphens and underscores. A unit in brackets or a
 * power of ten behind a stroke is set apart, as in {@code Tokens (B)} and {@code tokens/1e9}; so is the path before a name,
 * as in {@code eval/loss} or {@code trainer.num_train_steps}. What stands before a stroke is no path where both sides are
 * units or quantities: {@code D/N}, {@code tokens/s} and {@code sec/step} are ratios.
 *
 * @param forms words of all of it, then without ever more of the path; in ratios "per" stands for the stroke
 * @param words of all of it
 * @param unit what the numbers must be multiplied with as the header says: 1 where it says nothing; empty where what it
 *     says is not understood
 * @param plain whether there is neither path nor unit
 * @param spread whether it tells a spread, an extreme or a count of a quantity rather than the quantity
 */
record HeaderName(List<List<String>> forms, List<String> words, OptionalDouble unit, boolean plain, boolean spread) {
    private static final Pattern BRACKETED =
            Pattern.compile("(.*\\S)\\s*[(\\[]\\s*(?:in\\s+)?([^()\\[\\]]*)[)\\]]\\s*");
    private static final Pattern POWER =
            Pattern.compile("[x×*]?\\s*(?:1e\\+?(\\d{1,2})|10\\^(\\d{1,2}))", Pattern.CASE_INSENSITIVE);
    private static final Pattern DIVIDED =
            Pattern.compile("(.*\\S)\\s*/\\s*(1e\\+?\\d{1,2}|10\\^\\d{1,2})", Pattern.CASE_INSENSITIVE);
    private static final Pattern STROKE = Pattern.compile("/|(?<!\\d)\\.(?!\\d)|\\s\\|\\s");
    private static final Pattern BETWEEN_WORDS = Pattern.compile("[^\\p{L}\\p{N}]+|(?<=\\p{Ll})(?=\\p{Lu})");

    /** Units of counts, of compute and of losses by name. */
    private static final Map<String, Double> UNITS = Map.ofEntries(
            Map.entry("", 1.0),
            Map.entry("k", 1e3),
            Map.entry("thousands", 1e3),
            Map.entry("thousand", 1e3),
            Map.entry("m", 1e6),
            Map.entry("millions", 1e6),
            Map.entry("million", 1e6),
            Map.entry("b", 1e9),
            Map.entry("bn", 1e9),
            Map.entry("billions", 1e9),
            Map.entry("billion", 1e9),
            Map.entry("t", 1e12),
            Map.entry("trillions", 1e12),
            Map.entry("trillion", 1e12),
            Map.entry("params", 1.0),
            Map.entry("parameters", 1.0),
            Map.entry("tokens", 1.0),
            Map.entry("mtokens", 1e6),
            Map.entry("btokens", 1e9),
            Map.entry("ttokens", 1e12),
            Map.entry("steps", 1.0),
            Map.entry("flop", 1.0),
            Map.entry("flops", 1.0),
            Map.entry("gflops", 1e9),
            Map.entry("tflops", 1e12),
            Map.entry("pflops", 1e15),
            Map.entry("eflops", 1e18),
            Map.entry("zflops", 1e21),
            Map.entry("pfdays", KaplanForms.FLOPS_PER_PF_DAY),
            Map.entry("pfday", KaplanForms.FLOPS_PER_PF_DAY),
            Map.entry("nats", 1.0),
            Map.entry("natstoken", 1.0),
            Map.entry("natspertoken", 1.0));

    /** Words in brackets that say of what, not in which unit. */
    private static final Set<String> QUALIFIERS = Set.of(
            "non",
            "embedding",
            "nonembedding",
            "embeddings",
            "emb",
            "embed",
            "no",
            "without",
            "excl",
            "excluding",
            "total",
            "trainable",
            "active",
            "val",
            "valid",
            "validation",
            "eval",
            "evaluation",
            "test",
            "train",
            "training",
            "heldout",
            "holdout",
            "final",
            "mean",
            "avg",
            "seen",
            "trained",
            "unique");

    /** What a loss may be counted in and of, in brackets. */
    private static final Set<String> MEASURES = Set.of(
            "bits", "bit", "nats", "nat", "per", "token", "byte", "bytes", "char", "character", "word", "bpb", "bpc");

    private static final Set<String> FILLERS = Set.of("of", "in");
    private static final Pattern COMMANDS =
            Pattern.compile("\\\\(?:text|math)(?:bf|it|rm|cal|sf|tt)?(?![A-Za-z])|\\\\(?:bf|it|rm|cal)(?![A-Za-z])");

    /** What can be divided. */
    private static final Set<String> DIVIDEND = Set.of(
            "n",
            "d",
            "c",
            "b",
            "s",
            "u",
            "l",
            "param",
            "params",
            "parameter",
            "parameters",
            "token",
            "tokens",
            "tok",
            "toks",
            "flop",
            "flops",
            "kflops",
            "mflops",
            "gflops",
            "tflops",
            "pflops",
            "step",
            "steps",
            "iter",
            "iters",
            "it",
            "iteration",
            "iterations",
            "sec",
            "secs",
            "second",
            "seconds",
            "ms",
            "us",
            "min",
            "mins",
            "minute",
            "minutes",
            "h",
            "hr",
            "hrs",
            "hour",
            "hours",
            "day",
            "days",
            "time",
            "runtime",
            "duration",
            "latency",
            "elapsed",
            "sample",
            "samples",
            "sequence",
            "sequences",
            "seq",
            "seqs",
            "example",
            "examples",
            "batch",
            "batches",
            "epoch",
            "epochs",
            "byte",
            "bytes",
            "bit",
            "bits",
            "nat",
            "nats",
            "gb",
            "mb",
            "gib",
            "usd",
            "cost",
            "price",
            "energy",
            "joule",
            "joules",
            "wh",
            "kwh",
            "words",
            "chars",
            "documents",
            "docs",
            "updates",
            "compute");
    /** What it can be divided by. */
    private static final Set<String> DIVISOR = Set.of(
            "n",
            "d",
            "c",
            "b",
            "s",
            "u",
            "param",
            "params",
            "parameter",
            "parameters",
            "token",
            "tokens",
            "tok",
            "flop",
            "flops",
            "step",
            "steps",
            "iter",
            "iters",
            "it",
            "iteration",
            "sec",
            "secs",
            "second",
            "seconds",
            "ms",
            "min",
            "minute",
            "h",
            "hr",
            "hour",
            "day",
            "gpu",
            "gpus",
            "device",
            "devices",
            "node",
            "nodes",
            "chip",
            "chips",
            "tpu",
            "core",
            "worker",
            "rank",
            "sample",
            "samples",
            "sequence",
            "seq",
            "example",
            "batch",
            "epoch",
            "byte",
            "bytes",
            "char",
            "word",
            "layer",
            "usd",
            "dollar",
            "joule",
            "kwh",
            "watt",
            "update",
            "document",
            "doc",
            "expert",
            "param.");

    private static final Set<String> SAME =
            Set.of("value", "mean", "avg", "average", "median", "last", "latest", "final");
    private static final Set<String> SPREAD = Set.of(
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
            "ci95",
            "low",
            "high",
            "lower",
            "upper",
            "lo",
            "hi",
            "min",
            "max",
            "p5",
            "p10",
            "p25",
            "p75",
            "p90",
            "p95",
            "q1",
            "q3",
            "iqr",
            "range",
            "sum",
            "first",
            "initial",
            "init",
            "start");

    static HeaderName of(String header) {
        String named = plain(header);
        double unit = 1;
        // A share of something is not the thing.
        boolean understood = named.indexOf('%') < 0 && named.indexOf('‰') < 0;
        boolean marked = false;
        List<String> said = List.of();
        Matcher bracketed = BRACKETED.matcher(named);
        if (bracketed.matches()) {
            marked = true;
            named = bracketed.group(1);
            String within = bracketed.group(2).strip();
            Matcher power = POWER.matcher(within);
            if (power.matches()) {
                unit = power(power);
            } else if (UNITS.containsKey(normal(within))) {
                unit = UNITS.get(normal(within));
            } else {
                List<String> words = words(within.replace("/", " per "));
                said = words.stream().filter(word -> !counts(word)).toList();
                double[] units = words.stream()
                        .filter(HeaderName::counts)
                        .mapToDouble(word -> UNITS.getOrDefault(word, 1.0))
                        .filter(factor -> factor != 1)
                        .toArray();
                unit = units.length == 1 ? units[0] : 1;
                understood &= units.length < 2
                        && (said.stream().allMatch(MEASURES::contains)
                                || said.stream().allMatch(word -> QUALIFIERS.contains(word) || SPREAD.contains(word)));
            }
        }
        Matcher divided = DIVIDED.matcher(named);
        if (divided.matches()) {
            marked = true;
            named = divided.group(1);
            Matcher power = POWER.matcher(divided.group(2));
            unit *= power.matches() ? power(power) : 1;
        }
        List<String> parts = new ArrayList<>();
        List<Boolean> strokes = new ArrayList<>();
        split(named, parts, strokes);
        List<String> last = words(parts.get(parts.size() - 1));
        boolean spread = said.stream().anyMatch(SPREAD::contains)
                || parts.size() > 1 && last.size() == 1 && (SPREAD.contains(last.get(0)) || last.contains("count"))
                || last.size() > 1 && SPREAD.contains(last.get(last.size() - 1));
        if (parts.size() > 1 && last.size() == 1 && SAME.contains(last.get(0))) {
            parts.remove(parts.size() - 1);
        }
        List<List<String>> forms = forms(parts, strokes, said);
        return new HeaderName(
                forms,
                forms.get(0),
                understood ? OptionalDouble.of(unit) : OptionalDouble.empty(),
                parts.size() == 1 && !marked,
                spread);
    }

    private static boolean counts(String word) {
        return UNITS.containsKey(word) && !MEASURES.contains(word) || FILLERS.contains(word);
    }

    /** A header without the marks of TeX: {@code $L_{\text{val}}$} is {@code L_val}. */
    static String plain(String header) {
        String text = header.strip();
        return text.indexOf('$') < 0 && text.indexOf('\\') < 0
                ? text
                : COMMANDS.matcher(text.replace("\\times", "×").replace("\\ ", " "))
                        .replaceAll("")
                        .replaceAll("[${}]|\\\\(?=[_%#,])", "")
                        .strip();
    }

    /** The words of the path that a form leaves off. */
    List<String> before(int form) {
        return words.subList(0, words.size() - forms.get(form).size());
    }

    private static double power(Matcher power) {
        return Math.pow(10, Integer.parseInt(power.group(1) == null ? power.group(2) : power.group(1)));
    }

    private static void split(String text, List<String> parts, List<Boolean> strokes) {
        Matcher between = STROKE.matcher(text);
        int from = 0;
        while (between.find()) {
            if (between.start() > from) {
                parts.add(text.substring(from, between.start()));
                strokes.add(between.group().equals("/"));
            }
            from = between.end();
        }
        if (from < text.length() || parts.isEmpty()) {
            parts.add(text.substring(Math.min(from, text.length())));
        }
    }

    private static List<List<String>> forms(List<String> parts, List<Boolean> strokes, List<String> said) {
        int ratio = 0;
        List<List<String>> words = parts.stream().map(HeaderName::words).toList();
        List<Boolean> per = new ArrayList<>();
        for (int i = 0; i + 1 < parts.size(); i++) {
            boolean divides = strokes.get(i) && divides(words.get(i), words.get(i + 1));
            per.add(divides);
            ratio = divides && ratio == 0 ? i + 1 : ratio;
        }
        List<List<String>> forms = new ArrayList<>();
        for (int start = 0; start < (ratio == 0 ? parts.size() : ratio); start++) {
            List<String> form = new ArrayList<>();
            for (int i = start; i < parts.size(); i++) {
                form.addAll(words.get(i));
                if (i < per.size() && per.get(i)) {
                    form.add("per");
                }
            }
            form.addAll(said);
            forms.add(List.copyOf(form));
        }
        return List.copyOf(forms);
    }

    private static boolean divides(List<String> above, List<String> below) {
        return !above.isEmpty()
                && !below.isEmpty()
                && DIVIDEND.contains(above.get(above.size() - 1))
                && DIVISOR.contains(below.get(0));
    }

    /** The words of a text in lower case, parted by signs and by capitals within. */
    static List<String> words(String text) {
        return BETWEEN_WORDS
                .splitAsStream(text)
                .filter(word -> !word.isEmpty())
                .map(word -> word.toLowerCase(Locale.ROOT))
                .toList();
    }

    /** The letters and digits of a text, in lower case. */
    static String normal(String text) {
        StringBuilder kept = new StringBuilder(text.length());
        text.codePoints().filter(Character::isLetterOrDigit).forEach(kept::appendCodePoint);
        return kept.toString().toLowerCase(Locale.ROOT);
    }
}
