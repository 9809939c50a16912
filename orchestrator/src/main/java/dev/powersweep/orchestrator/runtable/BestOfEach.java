package dev.powersweep.orchestrator.runtable;

import dev.powersweep.fitting.runs.Quantity;
import java.util.ArrayList;
import java.util.Collection;
import java.util.Comparator;
import java.util.HashMap;
import java.util.HashSet;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Set;
import java.util.TreeSet;
import java.util.stream.IntStream;

/**
 * Of each model and data size the runs that did best, where runs of one size differ in rates, batches or other settings:
 * a law in N and D describes tuned runs, and a law that knows the batch as well those of each batch. Of several seeds of one setting
 * all are kept and their mean counts.
 *
 * @param of what each is the best of
 * @param rows positions of the rows kept, in order
 * @param settings headers in which rows of one size differ
 * @param sizes how many model and data sizes there are, or of them and batches
 */
record BestOfEach(Of of, List<Integer> rows, List<String> settings, int sizes) {
    /** Sizes within which runs are compared. */
    enum Of {
        /** Model and data. */
        SIZE,
        /** Model, data and batch. */
        BATCH
    }

    /** Sizes of data that differ by the rounding to whole batches are one. */
    private static final double SAME_DATA = 1.02;

    private static final Set<String> SETTINGS = Set.of(
            "lr",
            "learningrate",
            "peaklr",
            "maxlr",
            "minlr",
            "baselr",
            "beta1",
            "beta2",
            "adambeta1",
            "adambeta2",
            "weightdecay",
            "wd",
            "warmup",
            "warmupsteps",
            "warmuptokens",
            "warmupratio",
            "dropout",
            "eps",
            "epsilon",
            "momentum",
            "clip",
            "gradclip",
            "zloss",
            "decay",
            "cooldown",
            "depth",
            "width",
            "layers",
            "nlayers",
            "heads",
            "nheads",
            "dmodel",
            "aspectratio");
    /** Settings whose values are words. */
    private static final Set<String> WORDED = Set.of(
            "optimizer",
            "optimiser",
            "opt",
            "schedule",
            "scheduler",
            "lrschedule",
            "lrscheduler",
            "mup",
            "parametrization",
            "parameterization",
            "parametrisation",
            "init",
            "initialization",
            "activation",
            "act",
            "normalization",
            "norm",
            "precision",
            "dtype",
            "positions",
            "posemb",
            "rope",
            "tied",
            "tieembeddings",
            "qknorm",
            "bias");

    /** Runs that differ in these alone are repetitions. */
    private static final Set<String> REPETITIONS = Set.of(
            "seed",
            "replicate",
            "replica",
            "rep",
            "repeat",
            "repetition",
            "copy",
            "trial",
            "run",
            "fold",
            "index",
            "idx",
            "id",
            "rank",
            "unnamed0",
            "");

    private static final Set<String> MEASURED = Set.of(
            "loss",
            "std",
            "se",
            "sem",
            "err",
            "time",
            "runtime",
            "seconds",
            "sec",
            "hours",
            "mfu",
            "hfu",
            "tflops",
            "throughput",
            "norm",
            "accuracy",
            "acc",
            "ppl",
            "perplexity",
            "memory",
            "timestamp",
            "date",
            "day",
            "created",
            "started",
            "finished",
            "ended",
            "job",
            "host",
            "node",
            "nodes",
            "gpus",
            "nats",
            "bits",
            "ratio",
            "per",
            "gpu",
            "cost",
            "power",
            "temp",
            "bpb",
            "entropy",
            "attempt",
            "attempts",
            "predicted",
            "done");

    /**
     * Finds them.
     *
     * @param of what each is to be the best of
     * @param ends positions of the rows that end a run
     * @param measured columns that hold something else: quantities other than rates and batches, runs
     * @return empty where no two runs of one size differ in a setting, or sizes are not known
     */
    static Optional<BestOfEach> of(
            Of of,
            RawTable table,
            WrittenNumber style,
            List<Integer> ends,
            Set<Integer> measured,
            Map<Quantity, double[]> numbers) {
        double[] n = numbers.get(Quantity.N);
        double[] d = tokens(numbers);
        double[] b = of == Of.BATCH ? numbers.get(Quantity.B) : n;
        double[] loss = numbers.get(Quantity.LOSS);
        if (n == null || d == null || b == null || loss == null) {
            return Optional.empty();
        }
        Collection<List<Integer>> sizes = sizes(ends, n, d, b);
        List<Integer> settings = new ArrayList<>();
        for (int column = 0; column < table.header().size(); column++) {
            if (!measured.contains(column) && setting(table, style, column, sizes, ends.size())) {
                settings.add(column);
            }
        }
        if (settings.isEmpty()) {
            return Optional.empty();
        }
        TreeSet<Integer> kept = new TreeSet<>();
        for (List<Integer> rows : sizes) {
            Map<List<String>, List<Integer>> rules = new LinkedHashMap<>();
            for (int row : rows) {
                List<String> rule = settings.stream()
                        .map(column -> table.rows().get(row).textAt(column))
                        .toList();
                rules.computeIfAbsent(rule, key -> new ArrayList<>()).add(row);
            }
            rules.values().stream()
                    .min(Comparator.comparingDouble(seeds -> seeds.stream()
                            .mapToDouble(row -> loss[row])
                            .average()
                            .orElseThrow()))
                    .ifPresent(kept::addAll);
        }
        return Optional.of(new BestOfEach(
                of,
                List.copyOf(kept),
                settings.stream().map(table.header()::get).toList(),
                sizes.size()));
    }

    /** What was done, in words. */
    String sentence() {
        boolean batch = of == Of.BATCH;
        return "Runs of one model" + (batch ? ", data and batch" : " and data") + " size differ in "
                + String.join(", ", settings) + ": of each of the " + sizes + (batch ? "" : " sizes")
                + " the best is fitted (" + rows.size() + " rows) by "
                + (batch ? "laws of the batch" : "laws that know no such setting") + "; --every-row fits all.";
    }

    /** As given, or the batch times the steps; null where neither is there. */
    private static double[] tokens(Map<Quantity, double[]> numbers) {
        double[] b = numbers.get(Quantity.B);
        double[] s = numbers.get(Quantity.S);
        if (numbers.containsKey(Quantity.D) || b == null || s == null) {
            return numbers.get(Quantity.D);
        }
        return IntStream.range(0, b.length).mapToDouble(row -> b[row] * s[row]).toArray();
    }

    private static Collection<List<Integer>> sizes(List<Integer> ends, double[] n, double[] d, double[] b) {
        List<Integer> sorted = new ArrayList<>(ends);
        sorted.sort(Comparator.<Integer>comparingDouble(row -> n[row])
                .thenComparingDouble(row -> b[row])
                .thenComparingDouble(row -> d[row]));
        List<List<Integer>> sizes = new ArrayList<>();
        for (int row : sorted) {
            List<Integer> last = sizes.isEmpty() ? List.of() : sizes.get(sizes.size() - 1);
            boolean same = !last.isEmpty()
                    && n[last.get(0)] == n[row]
                    && b[last.get(0)] == b[row]
                    && d[row] <= d[last.get(0)] * SAME_DATA;
            if (!same) {
                sizes.add(new ArrayList<>());
            }
            sizes.get(sizes.size() - 1).add(row);
        }
        return sizes;
    }

    /** Whether a column holds something that was set: numbers, few of them, and different ones for runs of one size. */
    private static boolean setting(
            RawTable table, WrittenNumber style, int column, Collection<List<Integer>> sizes, int runs) {
        String name = HeaderName.normal(table.header().get(column));
        List<String> words = HeaderName.of(table.header().get(column)).words();
        String last = words.isEmpty()
                ? ""
                : String.join(
                        "",
                        HeaderName.of(table.header().get(column))
                                .forms()
                                .get(HeaderName.of(table.header().get(column))
                                                .forms()
                                                .size()
                                        - 1));
        if (REPETITIONS.contains(name) || REPETITIONS.contains(last) || words.contains("seed")) {
            return false;
        }
        boolean known =
                SETTINGS.contains(name) || SETTINGS.contains(last) || QuantityNames.BATCH_OF_WHAT.contains(last);
        boolean worded = WORDED.contains(name) || WORDED.contains(last);
        if (!known && !worded && words.stream().anyMatch(MEASURED::contains)) {
            return false;
        }
        Set<String> different = new HashSet<>();
        Map<String, Set<Integer>> where = new HashMap<>();
        boolean differs = false;
        int size = 0;
        for (List<Integer> rows : sizes) {
            Set<String> here = new HashSet<>();
            for (int row : rows) {
                String text = table.rows().get(row).textAt(column);
                if (text.isEmpty() || !worded && Double.isNaN(style.read(text, Quantity.LEARNING_RATE))) {
                    return false;
                }
                here.add(text);
                where.computeIfAbsent(text, key -> new HashSet<>()).add(size);
            }
            different.addAll(here);
            differs |= here.size() > 1;
            size++;
        }
        // A measurement hardly repeats itself from size to size; a setting does.
        boolean repeats = where.values().stream().filter(at -> at.size() > 1).count() * 2 >= different.size();
        return differs && (known || worded && different.size() * 3 <= runs || repeats && different.size() * 3 <= runs);
    }
}
