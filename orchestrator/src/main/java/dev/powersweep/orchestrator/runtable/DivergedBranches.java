package dev.powersweep.orchestrator.runtable;

import dev.powersweep.fitting.runs.Quantity;
import dev.powersweep.orchestrator.storage.UserError;
import java.util.ArrayList;
import java.util.EnumSet;
import java.util.HashMap;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.Set;
import java.util.stream.Collectors;
import java.util.stream.IntStream;

/**
 * Tables whose rows are branches ({@link Quantity#BRANCH}): a branch that diverged bounds the critical batch size from above, so
 * that its row is a result and stays.
 *
 * <p>A row says so by a {@code state} or {@code status} of {@code diverged}, by a column {@code diverged} (or {@code nan}) that is
 * true, or by a loss of {@code inf}. A loss that is NaN alone does not: it may as well have been lost, and is refused.
 */
final class DivergedBranches {
    /** Loss of a branch that diverged, as {@link Columns} reads it. */
    private static final String NO_LOSS = "inf";

    private static final Set<String> INFINITE = Set.of("inf", "+inf", "infinity", "+infinity", "\u221e", "+\u221e");

    private static final Set<String> STATES =
            Set.of("state", "status", "runstate", "runstatus", "jobstate", "jobstatus");
    private static final Set<String> FLAGS = Set.of("diverged", "isdiverged", "hasdiverged", "nan", "isnan");
    private static final String DIVERGED = "diverged";

    /** What a branch is described by. Its tokens, steps and compute are those of a trunk and a branch together. */
    private static final Set<Quantity> KNOWN =
            EnumSet.of(Quantity.N, Quantity.B, Quantity.BRANCH, Quantity.LOSS, Quantity.LOSS_ERROR);

    private DivergedBranches() {}

    /** Whether the user says that rows are branches. */
    static boolean told(ColumnChoice choice, List<String> header) {
        return choice.names(Quantity.BRANCH, header);
    }

    /** Positions of the columns that say whether a branch diverged, which tell no kinds of branches apart. */
    static Set<Integer> columns(List<String> header) {
        return IntStream.range(0, header.size())
                .filter(column -> STATES.contains(HeaderName.normal(header.get(column)))
                        || FLAGS.contains(HeaderName.normal(header.get(column))))
                .boxed()
                .collect(Collectors.toSet());
    }

    /**
     * That a trunk has one branch of each batch from each point.
     *
     * @param trunks name of the trunk of each row
     * @throws UserError naming two rows that are the same branch
     */
    static void refuseTwice(RawTable table, List<String> trunks, Map<Quantity, double[]> numbers) {
        Map<List<Object>, RawRow> seen = new HashMap<>();
        for (int i = 0; i < table.rows().size(); i++) {
            List<Object> branch = new ArrayList<>(List.of(trunks.get(i)));
            for (Quantity column : List.of(Quantity.N, Quantity.BRANCH, Quantity.B)) {
                if (numbers.containsKey(column)) {
                    branch.add(numbers.get(column)[i]);
                }
            }
            RawRow row = table.rows().get(i);
            RawRow before = seen.putIfAbsent(branch, row);
            if (before != null) {
                throw new UserError(table.at(row) + "the branch of " + table.place() + " " + before.place()
                        + " again: the same trunk, tokens and batch; keep the one that counts, keep rows of one kind with"
                        + " --where, or tell seeds apart in the column of trunks (--columns run=…)");
            }
        }
    }

    /**
     * The table with the rows marked that a column of words says diverged.
     *
     * @param where what the user chose: a column named there decides nothing here
     * @throws UserError where a column {@code diverged} says neither yes nor no, or two columns contradict each other
     */
    static RawTable marked(RawTable table, Map<String, String> where) {
        List<RawRow> rows = new ArrayList<>(table.rows());
        for (int column = 0; column < table.header().size(); column++) {
            String name = HeaderName.normal(table.header().get(column));
            if (where.containsKey(table.header().get(column))) {
                continue;
            }
            for (int i = 0; i < rows.size(); i++) {
                String word = LeftOutRows.plain(rows.get(i).textAt(column));
                boolean says = STATES.contains(name) && word.equals(DIVERGED)
                        || FLAGS.contains(name) && yes(table, rows.get(i), column, word);
                if (says) {
                    rows.set(i, rows.get(i).asDiverged());
                }
            }
        }
        refuseContradictions(table, rows, where);
        return table.with(rows);
    }

    private static boolean yes(RawTable table, RawRow row, int column, String word) {
        if (!LeftOutRows.YES.contains(word) && !LeftOutRows.NO.contains(word)) {
            throw new UserError(table.at(row) + "column '" + table.header().get(column) + "' holds '"
                    + row.textAt(column) + "', which does not tell whether the branch diverged; write true or false");
        }
        return LeftOutRows.YES.contains(word);
    }

    /** A flag that says no, in words, beside another column that says diverged. */
    private static void refuseContradictions(RawTable table, List<RawRow> rows, Map<String, String> where) {
        for (int column = 0; column < table.header().size(); column++) {
            String header = table.header().get(column);
            if (where.containsKey(header) || !FLAGS.contains(HeaderName.normal(header))) {
                continue;
            }
            for (RawRow row : rows) {
                String word = LeftOutRows.plain(row.textAt(column));
                if (row.diverged() && !word.isEmpty() && LeftOutRows.NO.contains(word)) {
                    throw new UserError(table.at(row) + "column '" + header + "' says '" + row.textAt(column)
                            + "' where another column says that the branch diverged; mend one of them");
                }
            }
        }
    }

    /**
     * The table in which branches that diverged have a loss that {@link Columns} takes for infinite.
     *
     * @param remarks told how many there are
     */
    static RawTable written(RawTable table, ColumnChoice.Place loss, List<String> remarks) {
        List<RawRow> rows = new ArrayList<>();
        int diverged = 0;
        for (RawRow row : table.rows()) {
            boolean infinite = INFINITE.contains(row.textAt(loss.index()).toLowerCase(Locale.ROOT));
            if (row.diverged() || infinite) {
                List<String> cells = new ArrayList<>(row.cells());
                while (cells.size() <= loss.index()) {
                    cells.add("");
                }
                cells.set(loss.index(), NO_LOSS);
                rows.add(new RawRow(row.place(), List.copyOf(cells), true));
                diverged++;
            } else {
                rows.add(row);
            }
        }
        if (diverged > 0) {
            remarks.add(diverged + " of " + rows.size()
                    + " branches diverged: such batches, and larger ones, count as too" + " large.");
        }
        return table.with(rows);
    }

    /**
     * The places of what a branch is described by.
     *
     * @throws UserError where the user named a column of another quantity
     */
    static Map<Quantity, ColumnChoice.Place> known(
            Map<Quantity, ColumnChoice.Place> places, ColumnChoice choice, RawTable table) {
        for (Quantity column : Quantity.values()) {
            if (!KNOWN.contains(column) && choice.names(column, table.header())) {
                throw new UserError(table.file() + ": --columns names a column for " + column.label()
                        + " beside branch: rows are branches then, described by "
                        + KNOWN.stream().map(Quantity::label).collect(Collectors.joining(", "))
                        + " and run, their trunk; leave " + column.label() + "=… or branch=… out");
            }
        }
        return places.entrySet().stream()
                .filter(entry -> KNOWN.contains(entry.getKey()))
                .collect(Collectors.toMap(Map.Entry::getKey, Map.Entry::getValue));
    }
}
