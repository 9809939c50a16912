package dev.powersweep.orchestrator.runtable;

import dev.powersweep.fitting.runs.Quantity;
import dev.powersweep.orchestrator.storage.UserError;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.HashSet;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.Optional;
import java.util.Set;
import java.util.function.Predicate;
import java.util.stream.IntStream;

/**
 * Reads anybody's runs: CSV with any usual separator, JSON and JSON Lines, a Markdown table, the exports of Weights and
 * Biases, Parquet; text in UTF-8 or in UTF-16 with its mark, perhaps packed by gzip or zstd.
 */
public final class RunsFile {
    /** What stands where there is nothing. NaN is none of them: that a run diverged is a result, and is asked about. */
    private static final Set<String> ABSENT =
            Set.of("", "na", "n/a", "none", "null", "-", "--", "\u2013", "\u2014", "?", "missing");

    private RunsFile() {}

    /**
     * Reads a file.
     *
     * @param choice headers that the user named; the others are found by their usual names
     * @param where rows to keep: header and the value its cell must have
     * @throws UserError naming file, line, column and value where the file cannot be used
     */
    public static RunTable read(Path file, ColumnChoice choice, Map<String, String> where) {
        return read(file, choice, where, Duplicates.REFUSE);
    }

    /**
     * The same.
     *
     * @param duplicates what becomes of rows that repeat each other
     */
    public static RunTable read(Path file, ColumnChoice choice, Map<String, String> where, Duplicates duplicates) {
        return table(RunsText.read(file), choice, where, duplicates);
    }

    static RunTable parse(String file, String text, ColumnChoice choice, Map<String, String> where) {
        return table(RunsText.parse(file, text), choice, where, Duplicates.REFUSE);
    }

    /**
     * A column that the user named, and N, D and the loss, must hold numbers; another that merely bears a usual name
     * may hold something else, which matters only to a law that needs it.
     */
    private static RunTable table(
            RawTable read, ColumnChoice choice, Map<String, String> asked, Duplicates duplicates) {
        refuseLongRows(read);
        RawTable turned = PanelExport.turned(read);
        Map<String, String> where = named(asked, turned.header());
        List<String> remarks = new ArrayList<>(turned.remarks());
        boolean branches = DivergedBranches.told(choice, turned.header());
        RawTable wanted = kept(turned, where);
        RawTable chosen = LeftOutRows.of(branches ? DivergedBranches.marked(wanted, where) : wanted, where, remarks);
        WrittenNumber style =
                WrittenNumber.of(chosen.decimalCommas(), chosen.rows().stream().flatMap(row -> row.cells().stream()));
        ColumnFinder.Found found = ColumnFinder.find(chosen, style, choice);
        if (branches) {
            found = found.with(DivergedBranches.known(found.places(), choice, chosen));
            ColumnChoice.Place loss = found.places().get(Quantity.LOSS);
            chosen = loss == null ? chosen : DivergedBranches.written(chosen, loss, remarks);
        }
        RawTable table = duplicates.settled(
                measured(found.places(), chosen, remarks),
                found.places(),
                RunGrouping.candidates(chosen.header(), choice, chosen.file()),
                style,
                remarks);
        Set<Integer> taken = new HashSet<>();
        found.places().values().forEach(place -> {
            taken.add(place.index());
            place.times().ifPresent(taken::add);
        });
        Columns columns = Columns.of(table, found, choice, style);
        RunGrouping grouping = RunGrouping.of(table, choice, taken, columns.numbers());
        RawTable trained = AlongRuns.trained(table, grouping, columns.numbers(), remarks);
        if (trained.rows().size() < table.rows().size()) {
            table = trained;
            columns = Columns.of(table, found, choice, style);
            grouping = RunGrouping.of(table, choice, taken, columns.numbers());
        }
        return run(table, style, found, choice, columns, grouping, taken, remarks);
    }

    /** The rest, once rows and numbers are settled. */
    private static RunTable run(
            RawTable table,
            WrittenNumber style,
            ColumnFinder.Found found,
            ColumnChoice choice,
            Columns columns,
            RunGrouping grouping,
            Set<Integer> taken,
            List<String> remarks) {
        Map<Quantity, double[]> numbers = columns.numbers();
        Map<Quantity, String> headers = columns.headers();
        Map<Quantity, UserError> unreadable = columns.unreadable();
        grouping.header().ifPresent(name -> taken.add(table.header().indexOf(name)));
        remarks.addAll(found.remarks());
        remarks.addAll(grouping.remarks());
        Optional.ofNullable(found.places().get(Quantity.LOSS))
                .flatMap(place -> unitOfLoss(table.header().get(place.index()), place))
                .ifPresent(remarks::add);
        boolean curves = grouping.curves();
        if (!curves && !choice.names(Quantity.STEP, table.header()) && numbers.containsKey(Quantity.STEP)) {
            stepsOfEnds(numbers, headers);
            if (grouping.header().isEmpty() && grouping.remarks().isEmpty()) {
                remarks.add("Every row is a run of its own, and " + headers.get(Quantity.S)
                        + " counts its steps; --columns run=… would take rows for points along runs.");
            }
        }
        compare(table, style, found, choice, numbers, headers, unreadable, curves, remarks);
        if (curves) {
            AlongRuns.complete(table, choice, grouping, numbers, headers, unreadable, remarks);
        }
        List<Integer> ends = ends(table.rows().size(), grouping.runs(), numbers.get(Quantity.STEP));
        if (!numbers.containsKey(Quantity.U)) {
            EpochAccount.compare(table, style, ends, numbers, headers, choice.names(Quantity.D, table.header()))
                    .ifPresent(remarks::add);
        }
        Set<Integer> measured = new HashSet<>(taken);
        found.places().forEach((column, place) -> {
            if (column == Quantity.LEARNING_RATE || column == Quantity.B) {
                measured.remove(place.index());
            }
        });
        RawTable settled = AlongRuns.settings(table, grouping, style, measured);
        // Branches are no runs that a law in N and D would be fitted to.
        boolean branches = numbers.containsKey(Quantity.BRANCH);
        Optional<BestOfEach> best = branches
                ? Optional.empty()
                : BestOfEach.of(BestOfEach.Of.SIZE, settled, style, ends, measured, numbers);
        Set<Integer> measuredOrBatch = new HashSet<>(measured);
        Optional.ofNullable(found.places().get(Quantity.B)).ifPresent(place -> {
            measuredOrBatch.add(place.index());
            place.times().ifPresent(measuredOrBatch::add);
        });
        Optional<BestOfEach> bestOfBatch = branches
                ? Optional.empty()
                : BestOfEach.of(BestOfEach.Of.BATCH, settled, style, ends, measuredOrBatch, numbers);
        if (!branches) {
            MixedUnits.refuse(
                    table,
                    numbers,
                    headers,
                    best.map(BestOfEach::rows).orElse(ends),
                    column -> choice.names(column, table.header()));
        }
        Set<Integer> told = new HashSet<>(taken);
        best.ifPresent(chosenRows ->
                chosenRows.settings().forEach(name -> told.add(table.header().indexOf(name))));
        if (branches) {
            told.addAll(DivergedBranches.columns(table.header()));
            grouping.runs().ifPresent(trunks -> DivergedBranches.refuseTwice(table, trunks, numbers));
        }
        Map<String, String> kinds = Kinds.of(table, ends, told, numbers.getOrDefault(Quantity.N, new double[0]));
        Repeats.ofText(ends, numbers).ifPresent(remarks::add);
        if (best.isEmpty() && kinds.isEmpty() && !curves) {
            Repeats.of(ends, numbers).ifPresent(remarks::add);
        }
        return new RunTable(
                table.file(),
                table.header(),
                table.rows().stream().map(RawRow::place).toList(),
                table.place(),
                numbers,
                headers,
                unreadable,
                kinds,
                grouping,
                ends,
                best,
                bestOfBatch,
                remarks);
    }

    /** What to tell of losses that are not counted in nats per token as they stand. */
    private static Optional<String> unitOfLoss(String header, ColumnChoice.Place place) {
        boolean converted = place.factor() != 1 || place.times().isPresent();
        return QuantityNames.counted(header).filter(counted -> !converted).flatMap(counted -> {
            boolean nats = counted.form() != CountedLoss.Form.BITS;
            if (!nats || !counted.perToken()) {
                return Optional.of("The loss is in " + counted.text() + ", as " + header
                        + " says, and so is every number below that is told in nats per token.");
            }
            return place.logarithm()
                    ? Optional.of("The loss is the logarithm of " + header + ", a perplexity of tokens.")
                    : Optional.empty();
        });
    }

    /** Where every row is a run of its own, the step of its row is how many it took. */
    private static void stepsOfEnds(Map<Quantity, double[]> numbers, Map<Quantity, String> headers) {
        double[] steps = numbers.remove(Quantity.STEP);
        String header = headers.remove(Quantity.STEP);
        numbers.putIfAbsent(Quantity.S, steps);
        headers.putIfAbsent(Quantity.S, header);
    }

    private static void compare(
            RawTable table,
            WrittenNumber style,
            ColumnFinder.Found found,
            ColumnChoice choice,
            Map<Quantity, double[]> numbers,
            Map<Quantity, String> headers,
            Map<Quantity, UserError> unreadable,
            boolean curves,
            List<String> remarks) {
        Quantity steps = curves ? Quantity.STEP : Quantity.S;
        Optional<BatchAccount.Context> context = ColumnFinder.context(table.header())
                .map(index -> new BatchAccount.Context(
                        table.header().get(index),
                        table.column(index).stream()
                                .mapToDouble(cell -> style.read(cell, Quantity.B))
                                .toArray()));
        BatchAccount.compare(
                        table.file(),
                        numbers,
                        headers,
                        numbers.get(steps),
                        headers.getOrDefault(steps, ""),
                        found.batchOfWhat() && !choice.names(Quantity.B, table.header()),
                        context,
                        remarks::add)
                .ifPresent(doubt -> {
                    numbers.remove(Quantity.B);
                    headers.remove(Quantity.B);
                    unreadable.put(Quantity.B, doubt);
                    remarks.add("Laws of the batch are left out: "
                            + doubt.getMessage().substring(table.file().length() + 2) + ".");
                });
        ComputeAccount.compare(
                        table.file(),
                        numbers,
                        headers,
                        numbers.get(steps),
                        headers.getOrDefault(steps, ""),
                        choice.names(Quantity.C, table.header()),
                        table.rows().stream()
                                .map(row -> table.place() + " " + row.place())
                                .toList())
                .ifPresent(remarks::add);
    }

    /** Positions of the rows that end a run. */
    private static List<Integer> ends(int rows, Optional<List<String>> runs, double[] steps) {
        if (runs.isEmpty() || steps == null) {
            return IntStream.range(0, rows).boxed().toList();
        }
        Map<String, Integer> last = new LinkedHashMap<>();
        for (int i = 0; i < rows; i++) {
            int row = i;
            last.merge(runs.get().get(i), i, (before, after) -> steps[row] >= steps[before] ? after : before);
        }
        return last.values().stream().sorted().toList();
    }

    /**
     * The rows that hold a loss. Exports of run trackers have a row whenever anything was logged, and one for a run that
     * never came to an evaluation.
     */
    private static RawTable measured(Map<Quantity, ColumnChoice.Place> places, RawTable table, List<String> remarks) {
        if (!places.containsKey(Quantity.LOSS)) {
            return table;
        }
        int loss = places.get(Quantity.LOSS).index();
        Predicate<RawRow> holds = row ->
                loss >= row.cells().size() || !ABSENT.contains(row.textAt(loss).toLowerCase(Locale.ROOT));
        List<RawRow> measured = table.rows().stream().filter(holds).toList();
        if (measured.isEmpty() || measured.size() == table.rows().size()) {
            return table;
        }
        RawRow first = table.rows().stream().filter(holds.negate()).findFirst().orElseThrow();
        int gone = table.rows().size() - measured.size();
        remarks.add(gone + " of " + table.rows().size() + (gone == 1 ? " rows holds no " : " rows hold no ")
                + table.header().get(loss) + " (" + (gone == 1 ? "" : "first ") + table.place() + " " + first.place()
                + ") and " + (gone == 1 ? "is" : "are") + " left out.");
        return table.with(measured);
    }

    /** Cells beyond the header: which column each belongs to cannot be known. Blank ones are separators at a line's end. */
    private static void refuseLongRows(RawTable table) {
        for (RawRow row : table.rows()) {
            int cells = row.cells().size();
            while (cells > 0 && row.textAt(cells - 1).isEmpty()) {
                cells--;
            }
            if (cells > table.header().size()) {
                throw new UserError(table.at(row) + "the row has " + cells + " cells and the header "
                        + table.header().size() + " ('" + row.textAt(cells - 1)
                        + "' is beyond it): a number written with a comma, or names of rows without a header; write"
                        + " 3.25 for 3,25 and put numbers such as 1,400,000 in quotes, or separate cells by"
                        + " semicolons, and give every column a header");
            }
        }
    }

    /** Headers and values of {@code --where}, which was parted at its first equals sign; a header may hold some, too. */
    private static Map<String, String> named(Map<String, String> where, List<String> header) {
        Map<String, String> named = new HashMap<>();
        where.forEach((name, value) -> {
            String whole = name;
            String rest = value;
            for (int equals = rest.indexOf('='); !header.contains(whole) && equals >= 0; equals = rest.indexOf('=')) {
                whole = whole + "=" + rest.substring(0, equals);
                rest = rest.substring(equals + 1);
            }
            boolean found = header.contains(whole);
            named.put(found ? whole : name, found ? rest : value);
        });
        return named;
    }

    private static RawTable kept(RawTable table, Map<String, String> where) {
        if (table.rows().isEmpty()) {
            throw new UserError(table.file() + ": the file has a header but no rows; a row per run is needed");
        }
        Map<Integer, String> wanted = new HashMap<>();
        where.forEach((name, value) -> {
            int index = table.header().indexOf(name);
            if (index < 0) {
                throw new UserError(table.file() + ": --where names the column '" + name + "'; the header has "
                        + String.join(", ", table.header()));
            }
            wanted.put(index, value);
        });
        List<RawRow> kept = table.rows().stream()
                .filter(row -> wanted.entrySet().stream()
                        .allMatch(entry -> same(row.textAt(entry.getKey()), entry.getValue())))
                .toList();
        if (kept.isEmpty()) {
            throw new UserError(table.file() + ": none of the " + table.rows().size() + " rows has " + where
                    + "; check the values given to --where");
        }
        return table.with(kept);
    }

    /** Equal as text, or as numbers: 0.001 and 1e-3. */
    private static boolean same(String cell, String wanted) {
        double one = WrittenNumber.POINT.read(cell, Quantity.LEARNING_RATE);
        return cell.equals(wanted) || one == WrittenNumber.POINT.read(wanted, Quantity.LEARNING_RATE);
    }
}
