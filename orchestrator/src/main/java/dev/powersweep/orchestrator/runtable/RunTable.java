package dev.powersweep.orchestrator.runtable;

import dev.powersweep.fitting.runs.FitRefusal;
import dev.powersweep.fitting.runs.Observations;
import dev.powersweep.fitting.runs.Quantity;
import dev.powersweep.orchestrator.storage.UserError;
import java.util.ArrayList;
import java.util.EnumSet;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Set;
import java.util.stream.Collectors;

/**
 * Runs as columns of equal length.
 *
 * @param source what the runs came from, for messages
 * @param numbers a column per quantity found, finite, in units of the fits
 * @param headers the header each quantity was read from
 * @param unreadable columns that were found by their usual name but do not hold numbers, and why
 * @param kinds columns of words in which rows differ, with an example each: several kinds of runs in one table
 * @param lines where each row stands in its file
 * @param place what {@code lines} counts: "line", or "row" or "run" where the file has no lines
 * @param grouping the run of each row
 * @param ends positions of the rows that end a run
 * @param best of each model and data size the runs that did best; empty where runs of one size differ in no setting
 * @param bestOfBatch the same of each model, data and batch size
 * @param remarks what was done with the table that its reader should know
 */
public record RunTable(
        String source,
        List<String> header,
        List<Long> lines,
        String place,
        Map<Quantity, double[]> numbers,
        Map<Quantity, String> headers,
        Map<Quantity, UserError> unreadable,
        Map<String, String> kinds,
        RunGrouping grouping,
        List<Integer> ends,
        Optional<BestOfEach> best,
        Optional<BestOfEach> bestOfBatch,
        List<String> remarks) {

    public RunTable {
        lines = List.copyOf(lines);
        ends = List.copyOf(ends);
        remarks = List.copyOf(remarks);
    }

    /** Number of rows. */
    public int rows() {
        return lines.size();
    }

    /** Positions of the rows that laws without rates and batches are fitted to; empty where it is every end of a run. */
    public Optional<Set<Integer>> bestOfEach() {
        return best.map(best -> Set.copyOf(best.rows()));
    }

    /** What was done to find them, in words. */
    public Optional<String> bestOfEachSaid() {
        return best.map(BestOfEach::sentence);
    }

    /** Positions of the rows that laws of the batch without rates are fitted to; empty where it is every end of a run. */
    public Optional<Set<Integer>> bestOfEachBatch() {
        return bestOfBatch.map(best -> Set.copyOf(best.rows()));
    }

    /** What was done to find them, in words. */
    public Optional<String> bestOfEachBatchSaid() {
        return bestOfBatch.map(BestOfEach::sentence);
    }

    /** Headers of what was trained on or evaluated. */
    private static final Set<String> TEXTS = Set.of(
            "dataset",
            "datasets",
            "data",
            "corpus",
            "corpora",
            "datamix",
            "mix",
            "mixture",
            "domain",
            "language",
            "lang",
            "trainset",
            "trainingset",
            "traindata",
            "trainingdata");

    /** What follows from which others when it is missing; {@link Observations} fills it in. */
    private static final Map<Quantity, List<Set<Quantity>>> DERIVABLE = Map.of(
            Quantity.N, List.of(Set.of(Quantity.C, Quantity.D)),
            Quantity.D, List.of(Set.of(Quantity.B, Quantity.S), Set.of(Quantity.N, Quantity.C)),
            Quantity.S, List.of(Set.of(Quantity.D, Quantity.B)),
            Quantity.C, List.of(Set.of(Quantity.N, Quantity.D)),
            Quantity.U, List.of(Set.of(Quantity.D)));

    /** Whether the column is there or follows from others, which may themselves follow from others. */
    public boolean offers(Quantity column) {
        return offers(column, Set.of());
    }

    private boolean offers(Quantity column, Set<Quantity> asked) {
        if (numbers.containsKey(column)) {
            return true;
        }
        Set<Quantity> open = EnumSet.of(column);
        open.addAll(asked);
        return DERIVABLE.getOrDefault(column, List.of()).stream()
                .anyMatch(from -> from.stream().allMatch(other -> !open.contains(other) && offers(other, open)));
    }

    /**
     * The columns as observations, checked.
     *
     * @param needed columns that must be there; all that are there are given
     * @throws UserError where a needed column is missing, or the numbers cannot be used
     */
    public Observations observations(Set<Quantity> needed) {
        require(needed, "");
        Observations.Builder builder = Observations.builder();
        numbers.forEach(builder::column);
        grouping.runs().ifPresent(names -> builder.runs(names.toArray(String[]::new)));
        builder.places(place, lines.stream().mapToLong(Long::longValue).toArray());
        try {
            return builder.build();
        } catch (FitRefusal refusal) {
            String option = refusal.reason() == FitRefusal.Reason.DUPLICATE_ROWS
                    ? " --duplicates drop keeps the first of equal rows, --duplicates mean one of rows that differ in nothing"
                            + " but the loss."
                    : "";
            throw new UserError(source + ": " + refusal.sentence() + option, refusal);
        }
    }

    /**
     * That a law has its columns.
     *
     * @param law that needs them, by its scripted name
     * @throws UserError where one is missing, naming the law
     */
    public void require(String law, Set<Quantity> needs) {
        require(needs, ", which " + law + " needs");
    }

    private void require(Set<Quantity> needs, String who) {
        for (Quantity column : needs) {
            if (!offers(column)) {
                throw missing(column, who);
            }
        }
    }

    /**
     * The rows that end a run, of all observations of this table. Where the learning rate changes along a run, theirs is
     * the run's largest.
     */
    public Observations finished(Observations all) {
        Observations ended = ends.size() < all.size() ? all.where(Set.copyOf(ends)::contains) : all;
        if (!grouping.curves() || !numbers.containsKey(Quantity.STEP) || !all.has(Quantity.LEARNING_RATE)) {
            return ended;
        }
        double[] peaks = AlongRuns.peaks(grouping, numbers.get(Quantity.LEARNING_RATE));
        return ended.with(
                Quantity.LEARNING_RATE,
                ends.stream().mapToDouble(row -> peaks[row]).toArray());
    }

    private UserError missing(Quantity column, String who) {
        if (unreadable.containsKey(column)) {
            return unreadable.get(column);
        }
        Optional<UserError> doubt = DERIVABLE.getOrDefault(column, List.of()).stream()
                .flatMap(Set::stream)
                .filter(unreadable::containsKey)
                .map(unreadable::get)
                .findFirst();
        if (doubt.isPresent()) {
            return doubt.get();
        }
        String from = DERIVABLE.getOrDefault(column, List.of()).stream()
                .map(others -> others.stream().sorted().map(Quantity::label).collect(Collectors.joining(" and ")))
                .collect(Collectors.joining(", or "));
        if (header.stream().allMatch(name -> !Double.isNaN(WrittenNumber.POINT.read(name, column)))) {
            return new UserError(source + ": the first line, which names the columns, holds nothing but numbers ("
                    + String.join(", ", header) + "); write a line of headers before it, as params,tokens,loss");
        }
        return new UserError(source + ": there is no column for " + column.described()
                + (from.isEmpty() || column == Quantity.U
                        ? ""
                        : ", nor are there both " + from + " that it follows from")
                + who + "; the header has " + String.join(", ", header) + "; name the one that holds it with --columns "
                + column.label() + "=…");
    }

    /**
     * That rows were trained or evaluated on different texts, each of which has a law of its own.
     *
     * @throws UserError naming the column
     */
    public void requireOneText() {
        for (Map.Entry<String, String> kind : kinds.entrySet()) {
            if (TEXTS.contains(HeaderName.normal(kind.getKey()))) {
                throw new UserError(source + ": rows differ in " + kind.getKey() + ", and every text has a law of its"
                        + " own; keep one with " + Typed.where(kind.getKey(), kind.getValue())
                        + ", or fit all together with --every-row");
            }
        }
    }

    /** What a reader should know of a table that holds several kinds of runs; empty where it holds one. */
    public Optional<String> mixture() {
        if (kinds.isEmpty()) {
            return Optional.empty();
        }
        Map.Entry<String, String> first = kinds.entrySet().iterator().next();
        return Optional.of("Rows differ in " + String.join(", ", kinds.keySet())
                + " and are fitted together; keep one kind with " + Typed.where(first.getKey(), first.getValue())
                + ".");
    }

    /** Which header stands for what: {@code n ← params, d ← tokens, run ← name}. */
    public String mapping() {
        List<String> said = new ArrayList<>();
        headers.keySet().stream().sorted().forEach(column -> said.add(column.label() + " ← " + headers.get(column)));
        grouping.header().ifPresent(name -> said.add("run ← " + name));
        return String.join(", ", said);
    }
}
