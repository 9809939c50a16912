package dev.powersweep.orchestrator.fits;

import dev.powersweep.fitting.runs.Column;
import dev.powersweep.fitting.runs.FitRefusal;
import dev.powersweep.fitting.runs.Observations;
import dev.powersweep.orchestrator.storage.UserError;
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
 * @param runs the run of each row; empty where the table has no such column
 */
public record RunTable(
        String source,
        List<String> header,
        int rows,
        Map<Column, double[]> numbers,
        Map<Column, String> headers,
        Map<Column, UserError> unreadable,
        Map<String, String> kinds,
        Optional<List<String>> runs) {

    /** What follows from others when it is missing; {@link Observations} fills it in. */
    private static final Map<Column, Set<Column>> DERIVABLE = Map.of(
            Column.D, Set.of(Column.B, Column.S),
            Column.S, Set.of(Column.D, Column.B),
            Column.C, Set.of(Column.N, Column.D),
            Column.U, Set.of(Column.D));

    /** Whether the column is there or follows from others. */
    public boolean offers(Column column) {
        return numbers.containsKey(column)
                || (DERIVABLE.containsKey(column) && numbers.keySet().containsAll(DERIVABLE.get(column)));
    }

    /**
     * The columns as observations, checked.
     *
     * @param needed columns that must be there; all that are there are given
     * @throws UserError where a needed column is missing, or the numbers cannot be used
     */
    public Observations observations(Set<Column> needed) {
        for (Column column : needed) {
            if (!offers(column)) {
                throw missing(column);
            }
        }
        Observations.Builder builder = Observations.builder();
        numbers.forEach(builder::column);
        runs.ifPresent(names -> builder.runs(names.toArray(String[]::new)));
        try {
            return builder.build();
        } catch (FitRefusal refusal) {
            throw new UserError(source + ": " + refusal.sentence(), refusal);
        }
    }

    private UserError missing(Column column) {
        if (unreadable.containsKey(column)) {
            return unreadable.get(column);
        }
        String from = DERIVABLE.getOrDefault(column, Set.of()).stream()
                .sorted()
                .map(Column::label)
                .collect(Collectors.joining(" and "));
        return new UserError(source + ": there is no column for " + column.label() + " (" + column.unit() + ")"
                + (from.isEmpty() || column == Column.U ? "" : ", nor are there both " + from + " that it follows from")
                + "; the header has " + String.join(", ", header) + "; name the one that holds it with --columns "
                + column.label() + "=…");
    }

    /** What a reader should know of a table that holds several kinds of runs; empty where it holds one. */
    public Optional<String> mixture() {
        if (kinds.isEmpty()) {
            return Optional.empty();
        }
        Map.Entry<String, String> first = kinds.entrySet().iterator().next();
        return Optional.of("Rows differ in " + String.join(", ", kinds.keySet())
                + " and are fitted together; keep one kind with --where " + first.getKey() + "=" + first.getValue()
                + ".");
    }

    /** Which header stands for what: {@code n ← params, d ← tokens}. */
    public String mapping() {
        return EnumSet.copyOf(headers.keySet()).stream()
                .map(column -> column.label() + " ← " + headers.get(column))
                .collect(Collectors.joining(", "));
    }
}
