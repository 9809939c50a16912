package dev.powersweep.orchestrator.runtable;

import dev.powersweep.fitting.runs.Quantity;
import dev.powersweep.orchestrator.storage.UserError;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.EnumMap;
import java.util.EnumSet;
import java.util.HashMap;
import java.util.HashSet;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Set;
import java.util.stream.IntStream;

/**
 * Reads anybody's runs: CSV with any usual separator, JSON and JSON Lines, a Markdown table, the exports of Weights and
 * Biases, Parquet; text in UTF-8 or in UTF-16 with its mark, perhaps packed by gzip or zstd.
 */
public final class RunsFile {
    private static final Set<Quantity> ESSENTIAL = EnumSet.of(Quantity.N, Quantity.D, Quantity.LOSS);

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
            RawTable read, ColumnChoice choice, Map<String, String> where, Duplicates duplicates) {
        refuseLongRows(read);
        RawTable turned = PanelExport.turned(read);
        List<String> remarks = new ArrayList<>(turned.remarks());
        RawTable chosen = LeftOutRows.of(kept(turned, where), where, remarks);
        WrittenNumber style =
                WrittenNumber.of(chosen.decimalCommas(), chosen.rows().stream().flatMap(row -> row.cells().stream()));
        ColumnFinder.Found found = ColumnFinder.find(chosen, style, choice);
        RawTable table = duplicates.settled(
                measured(found.places(), chosen, remarks),
                found.places(),
                RunGrouping.candidates(chosen.header(), choice, chosen.file()),
                style,
                remarks);
        Map<Quantity, double[]> numbers = new EnumMap<>(Quantity.class);
        Map<Quantity, String> headers = new EnumMap<>(Quantity.class);
        Map<Quantity, UserError> unreadable = new EnumMap<>(found.doubts());
        found.places().forEach((column, place) -> {
            try {
                numbers.put(column, numbers(table, column, place, style));
                headers.put(column, place.text(table.header()));
            } catch (UserError notNumbers) {
                if (choice.names(column, table.header()) || ESSENTIAL.contains(column)) {
                    throw notNumbers;
                }
                unreadable.put(column, notNumbers);
            }
        });
        Set<Integer> taken = new HashSet<>();
        found.places().values().forEach(place -> {
            taken.add(place.index());
            place.times().ifPresent(taken::add);
        });
        RunGrouping grouping = RunGrouping.of(table, choice, taken, numbers);
        grouping.header().ifPresent(name -> taken.add(table.header().indexOf(name)));
        remarks.addAll(found.remarks());
        remarks.addAll(grouping.remarks());
        Optional.ofNullable(found.places().get(Quantity.LOSS))
                .flatMap(place -> unitOfLoss(table.header().get(place.index()), place))
                .ifPresent(remarks::add);
        boolean curves = grouping.runs()
                .filter(runs -> new HashSet<>(runs).size() < runs.size())
                .isPresent();
        if (!curves && !choice.names(Quantity.STEP, table.header()) && numbers.containsKey(Quantity.STEP)) {
            stepsOfEnds(numbers, headers);
            if (grouping.header().isEmpty() && grouping.remarks().isEmpty()) {
                remarks.add("Every row is a run of its own, and " + headers.get(Quantity.S)
                        + " counts its steps; --columns run=… would take rows for points along runs.");
            }
        }
        compare(table, style, found, choice, numbers, headers, unreadable, curves, remarks);
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
        Optional<BestOfEach> best = BestOfEach.of(table, style, ends, measured, numbers);
        Set<Integer> told = new HashSet<>(taken);
        best.ifPresent(chosenRows ->
                chosenRows.settings().forEach(name -> told.add(table.header().indexOf(name))));
        Map<String, String> kinds = Kinds.of(table, told, numbers.getOrDefault(Quantity.N, new double[0]));
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
     * The rows that measured a loss. Along training curves others are usual: exports of run trackers have a line whenever
     * anything was logged. Elsewhere a row without a loss is a mistake, which is told when its number is read.
     */
    private static RawTable measured(Map<Quantity, ColumnChoice.Place> places, RawTable table, List<String> remarks) {
        if (!places.containsKey(Quantity.STEP) || !places.containsKey(Quantity.LOSS)) {
            return table;
        }
        int loss = places.get(Quantity.LOSS).index();
        List<RawRow> measured =
                table.rows().stream().filter(row -> !row.textAt(loss).isEmpty()).toList();
        if (measured.isEmpty() || measured.size() == table.rows().size()) {
            return table;
        }
        remarks.add((table.rows().size() - measured.size()) + " rows along the runs hold no "
                + table.header().get(loss) + " and are left out.");
        return table.with(measured);
    }

    private static double[] numbers(RawTable table, Quantity column, ColumnChoice.Place place, WrittenNumber style) {
        double[] numbers = new double[table.rows().size()];
        for (int i = 0; i < numbers.length; i++) {
            RawRow row = table.rows().get(i);
            double value = place.value(number(table, row, column, place.index(), style));
            refuseTwoUnits(table, row, column, place);
            if (place.times().isPresent()) {
                value *= number(table, row, column, place.times().getAsInt(), style);
            }
            numbers[i] = value;
        }
        return numbers;
    }

    /** A header in millions above cells in millions, as 85M below params_M: which of both counts cannot be known. */
    private static void refuseTwoUnits(RawTable table, RawRow row, Quantity column, ColumnChoice.Place place) {
        String cell = table.cell(row, place.index());
        if (place.factor() != 1 && WrittenNumber.unit(cell, column) != 1) {
            String header = table.header().get(place.index());
            throw new UserError(table.at(row) + "column '" + header + "' (" + column.unit() + ") holds '" + cell
                    + "', which tells its unit, and is multiplied with " + Quantities.factor(place.factor())
                    + " as well; say " + ColumnChoice.option(column, header)
                    + " where the cells' own units count, or write them without");
        }
    }

    /** Cells beyond the header: which column each belongs to cannot be known. Blank ones are separators at a line's end. */
    private static void refuseLongRows(RawTable table) {
        for (RawRow row : table.rows()) {
            int cells = row.cells().size();
            while (cells > 0 && row.textAt(cells - 1).isEmpty()) {
                cells--;
            }
            if (cells > table.header().size()) {
                throw new UserError(
                        table.at(row) + "the row has " + cells + " cells and the header "
                                + table.header().size() + " ('" + row.textAt(cells - 1)
                                + "' is beyond it): a number written with a comma and not in quotes, or names of rows without a"
                                + " header; put such numbers in quotes or separate by semicolons, and give every column a header");
            }
        }
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

    private static double number(RawTable table, RawRow row, Quantity column, int index, WrittenNumber style) {
        String value = table.cell(row, index);
        double number = style.read(value, column);
        if (!Double.isFinite(number)) {
            throw new UserError(
                    table.at(row) + "column '" + table.header().get(index) + "' (" + column.unit() + ") holds "
                            + (value.isEmpty() ? "nothing" : "'" + value + "'")
                            + " instead of a finite number"
                            + WrittenNumber.doubt(value)
                            + "; mend the value, leave the row out, or name another column with"
                            + " --columns " + column.label() + "=…");
        }
        return number;
    }
}
