package dev.powersweep.orchestrator.runtable;

import dev.powersweep.fitting.runs.Quantity;
import dev.powersweep.orchestrator.storage.UserError;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.Collections;
import java.util.Comparator;
import java.util.HashMap;
import java.util.HashSet;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Set;
import java.util.regex.Matcher;
import java.util.regex.Pattern;

/**
 * Which rows are one training run. A column named run says so; a name, an id or an experiment may as well label a model
 * size or a batch of experiments, and so rows are taken together by it only where they can be points along one run: one
 * model size, steps that differ, tokens in proportion to them. What is decided is told; what cannot be known is refused.
 *
 * @param runs name of the run of each row; empty where every row is a run
 * @param header of the column that tells them apart
 */
record RunGrouping(Optional<List<String>> runs, Optional<String> header, List<String> remarks) {
    private static final List<String> SURE = List.of("run", "runid", "runname");
    private static final List<String> LIKELY = List.of("name", "id", "cell", "trial", "experiment");
    private static final Pattern SIZE =
            Pattern.compile("(?<![\\p{Alnum}.])(\\d+(?:\\.\\d+)?)\\s?([kKmMbB])(?![\\p{Alnum}])");
    /** Tokens per step within a run differ by rounding alone. */
    private static final double CONSTANT = 0.05;

    /** Share of the steps between points of a curve that are equal, where it was logged every so often. */
    private static final double REGULAR = 0.6;

    private static final RunGrouping NONE = new RunGrouping(Optional.empty(), Optional.empty(), List.of());

    /** Whether several rows belong to one run. */
    boolean curves() {
        return runs.filter(names -> new HashSet<>(names).size() < names.size()).isPresent();
    }

    static RunGrouping of(RawTable table, ColumnChoice choice, Set<Integer> read, Map<Quantity, double[]> numbers) {
        List<String> header = table.header();
        if (choice.withoutRuns(header)) {
            return NONE;
        }
        Optional<Integer> asked = choice.runs(header, table.file());
        Optional<Integer> sure = asked.or(() -> known(SURE, header, read));
        // An id of its own for every row says more than a name that several rows share.
        Optional<Integer> index = sure.or(() -> LIKELY.stream()
                        .flatMap(name -> known(List.of(name), header, read).stream())
                        .filter(column -> new HashSet<>(table.column(column)).size()
                                == table.rows().size())
                        .findFirst())
                .or(() -> known(LIKELY, header, read));
        if (index.isEmpty()) {
            return oneCurve(numbers) ? single(table.rows().size()) : NONE;
        }
        String name = header.get(index.get());
        List<String> runs =
                table.rows().stream().map(row -> table.cell(row, index.get())).toList();
        Map<String, List<Integer>> groups = groups(runs);
        RunGrouping together = new RunGrouping(Optional.of(runs), Optional.of(name), List.of());
        if (asked.isPresent() || groups.size() == runs.size()) {
            return together;
        }
        if (!oneSizeEach(groups.values(), numbers.get(Quantity.N))) {
            return sure.isPresent()
                    ? together
                    : apart("Every row is a run of its own: rows of one '" + name
                            + "' have different n. Name the column that tells runs apart with --columns run=….");
        }
        double[] steps = numbers.get(Quantity.STEP);
        if (steps == null) {
            String what = groups.size() + " values of '" + name + "' stand for " + runs.size() + " rows";
            return sure.isPresent()
                    ? new RunGrouping(
                            Optional.of(runs),
                            Optional.of(name),
                            List.of(
                                    what
                                            + ", and no column says at which step: every row is fitted, and rows of one "
                                            + name
                                            + " are drawn together for intervals. --columns run=none takes every row for a run."))
                    : apart("Every row is a run of its own: " + what
                            + ", and no step tells points along a run apart. " + Typed.runs(name)
                            + " would take them together.");
        }
        boolean namesSizes = namesSizes(groups, numbers.get(Quantity.N));
        boolean regular = regular(groups.values(), steps);
        if (namesSizes && !regular && sure.isEmpty()) {
            return apart("Every row is a run of its own: '" + name + "' names the model sizes, one each ("
                    + groups.keySet().iterator().next() + " …). Where rows of one " + name
                    + " are points along one run, say " + Typed.runs(name) + ".");
        }
        Optional<String> noCurve =
                noCurve(table, groups.values(), steps, numbers.get(Quantity.D), numbers.get(Quantity.B));
        if (noCurve.isEmpty() && namesSizes && !regular && labelsSize(groups, numbers.get(Quantity.N))) {
            noCurve = Optional.of("they lie at irregular steps, and '" + name + "' names the model's size");
        }
        if (noCurve.isPresent()) {
            throw new UserError(
                    table.file() + ": rows of one '" + name + "' do not look like one run: " + noCurve.get()
                            + "; say --columns run=none where every row is a run of its own, " + Typed.runs(name)
                            + " where they are one nevertheless, or name the column that tells runs apart with --columns run=…");
        }
        return together;
    }

    /** Columns that may tell runs apart: the one that the user named, else those with a usual name. */
    static Set<Integer> candidates(List<String> header, ColumnChoice choice, String file) {
        if (choice.withoutRuns(header)) {
            return Set.of();
        }
        Optional<Integer> asked = choice.runs(header, file);
        Set<Integer> columns = new HashSet<>();
        for (int i = 0; i < header.size(); i++) {
            String name = HeaderName.normal(header.get(i));
            if (asked.isPresent() ? asked.get() == i : SURE.contains(name) || LIKELY.contains(name)) {
                columns.add(i);
            }
        }
        return columns;
    }

    /** Whether rows can be nothing but points along one run: steps ascend, with the rate and the loss of each, and no sizes. */
    private static boolean oneCurve(Map<Quantity, double[]> numbers) {
        double[] steps = numbers.get(Quantity.STEP);
        boolean sizes = numbers.containsKey(Quantity.N)
                || numbers.containsKey(Quantity.D)
                || numbers.containsKey(Quantity.C)
                || numbers.containsKey(Quantity.B);
        if (steps == null || sizes || !numbers.containsKey(Quantity.LEARNING_RATE)) {
            return false;
        }
        boolean ascending = steps.length > 2;
        for (int i = 1; i < steps.length; i++) {
            ascending &= steps[i] > steps[i - 1];
        }
        return ascending;
    }

    private static RunGrouping single(int rows) {
        return new RunGrouping(
                Optional.of(Collections.nCopies(rows, "1")),
                Optional.empty(),
                List.of(
                        "Every row is a point along one run, since its steps ascend; --columns run=none takes every row for"
                                + " a run."));
    }

    private static RunGrouping apart(String remark) {
        return new RunGrouping(Optional.empty(), Optional.empty(), List.of(remark));
    }

    private static Optional<Integer> known(List<String> names, List<String> header, Set<Integer> read) {
        for (String name : names) {
            for (int i = 0; i < header.size(); i++) {
                if (HeaderName.normal(header.get(i)).equals(name) && !read.contains(i)) {
                    return Optional.of(i);
                }
            }
        }
        return Optional.empty();
    }

    private static Map<String, List<Integer>> groups(List<String> runs) {
        Map<String, List<Integer>> groups = new LinkedHashMap<>();
        for (int i = 0; i < runs.size(); i++) {
            groups.computeIfAbsent(runs.get(i), run -> new ArrayList<>()).add(i);
        }
        return groups;
    }

    /** Whether rows of one run have one model size, as those of one training run do. */
    private static boolean oneSizeEach(Iterable<List<Integer>> groups, double[] sizes) {
        boolean one = true;
        for (List<Integer> rows : groups) {
            for (int row : rows) {
                one &= sizes == null || sizes[row] == sizes[rows.get(0)];
            }
        }
        return one;
    }

    /** Whether every run has a model size of its own, so that its name may be the size's. */
    private static boolean namesSizes(Map<String, List<Integer>> groups, double[] sizes) {
        Set<Double> different = new HashSet<>();
        groups.values().forEach(rows -> different.add(sizes == null ? 0 : sizes[rows.get(0)]));
        return sizes != null && groups.size() > 1 && different.size() == groups.size();
    }

    private static boolean labelsSize(Map<String, List<Integer>> groups, double[] sizes) {
        return groups.entrySet().stream().allMatch(group -> size(group.getKey())
                .filter(size -> Quantities.near(size, sizes[group.getValue().get(0)], 0.3))
                .isPresent());
    }

    /** The only count of thousands, millions or billions in a name: 5e7 in gpt-50M. */
    static Optional<Double> size(String name) {
        Matcher found = SIZE.matcher(name);
        if (!found.find()) {
            return Optional.empty();
        }
        double unit =
                switch (found.group(2)) {
                    case "k", "K" -> 1e3;
                    case "m", "M" -> 1e6;
                    default -> 1e9;
                };
        double size = Double.parseDouble(found.group(1)) * unit;
        return found.find() ? Optional.empty() : Optional.of(size);
    }

    /** Whether the points were logged every so many steps, as trainers do. */
    private static boolean regular(Iterable<List<Integer>> groups, double[] steps) {
        int equal = 0;
        int all = 0;
        for (List<Integer> rows : groups) {
            double[] sorted =
                    rows.stream().mapToDouble(row -> steps[row]).sorted().toArray();
            double[] gaps = new double[Math.max(0, sorted.length - 1)];
            Arrays.setAll(gaps, i -> sorted[i + 1] - sorted[i]);
            double usual = Quantities.median(gaps);
            for (double gap : gaps) {
                equal += gap > 0 && Quantities.near(gap, usual, 0.01) ? 1 : 0;
                all++;
            }
        }
        return all > 1 && equal >= REGULAR * all && equal > 1;
    }

    /** Why rows cannot be points along one run; empty where they can. */
    private static Optional<String> noCurve(
            RawTable table, Iterable<List<Integer>> groups, double[] steps, double[] tokens, double[] batch) {
        for (List<Integer> rows : groups) {
            Map<Double, Integer> seen = new HashMap<>();
            for (int row : rows) {
                Integer before = seen.putIfAbsent(steps[row], row);
                if (before != null) {
                    return Optional.of(
                            table.place() + "s " + table.rows().get(before).place() + " and "
                                    + table.rows().get(row).place() + " have the same step");
                }
            }
            double least = Double.POSITIVE_INFINITY;
            double most = 0;
            for (int row : rows) {
                if (tokens != null && steps[row] > 0) {
                    least = Math.min(least, tokens[row] / steps[row]);
                    most = Math.max(most, tokens[row] / steps[row]);
                }
            }
            if (most > least * (1 + CONSTANT) && (batch == null || !ramp(rows, steps, tokens, batch))) {
                return Optional.of("tokens per step go from " + Quantities.text(least) + " to " + Quantities.text(most)
                        + " within " + table.place() + "s "
                        + table.rows().get(rows.get(0)).place() + " to "
                        + table.rows().get(rows.get(rows.size() - 1)).place());
            }
        }
        return Optional.empty();
    }

    /** Whether a batch that changes along the run explains tokens that are not in proportion to the steps. */
    private static boolean ramp(List<Integer> rows, double[] steps, double[] tokens, double[] batch) {
        List<Integer> sorted = rows.stream()
                .sorted(Comparator.comparingDouble(row -> steps[row]))
                .toList();
        double[] rates = new double[sorted.size() - 1];
        double[] units = new double[rates.length];
        for (int i = 0; i < rates.length; i++) {
            int one = sorted.get(i);
            int next = sorted.get(i + 1);
            rates[i] = (tokens[next] - tokens[one]) / (steps[next] - steps[one]);
            units[i] = 2 * rates[i] / (batch[one] + batch[next]);
        }
        // A batch in sequences is one in tokens but for a factor.
        double unit = Quantities.median(units);
        boolean explained = unit > 0;
        for (int i = 0; i < rates.length; i++) {
            double one = unit * batch[sorted.get(i)];
            double next = unit * batch[sorted.get(i + 1)];
            explained &= rates[i] >= Math.min(one, next) * (1 - CONSTANT)
                    && rates[i] <= Math.max(one, next) * (1 + CONSTANT);
        }
        return explained;
    }
}
