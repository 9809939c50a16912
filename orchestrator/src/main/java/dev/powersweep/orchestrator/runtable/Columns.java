package dev.powersweep.orchestrator.runtable;

import dev.powersweep.fitting.runs.Quantity;
import dev.powersweep.orchestrator.storage.UserError;
import java.util.EnumMap;
import java.util.EnumSet;
import java.util.Map;
import java.util.Set;

/**
 * The numbers of every quantity that was found, in units of the fits. The maps may be changed.
 *
 * @param headers what each was read from
 * @param unreadable why a column that was found does not hold numbers, which matters only to a law that needs it
 */
record Columns(Map<Quantity, double[]> numbers, Map<Quantity, String> headers, Map<Quantity, UserError> unreadable) {
    private static final Set<Quantity> ESSENTIAL = EnumSet.of(Quantity.N, Quantity.D, Quantity.LOSS);

    /** Standard error of a loss that there is not; nothing reads it. */
    private static final double OF_NO_LOSS = 1;

    /**
     * A column that the user named, and N, D and the loss, must hold numbers.
     *
     * @throws UserError naming line, column and value
     */
    static Columns of(RawTable table, ColumnFinder.Found found, ColumnChoice choice, WrittenNumber style) {
        Columns columns = new Columns(
                new EnumMap<>(Quantity.class), new EnumMap<>(Quantity.class), new EnumMap<>(found.doubts()));
        found.places().forEach((column, place) -> {
            try {
                String remedy = column == Quantity.LOSS && found.places().containsKey(Quantity.BRANCH)
                        ? "write inf, or true in a column named diverged, where the branch diverged"
                        : "mend the value";
                columns.numbers.put(column, numbers(table, column, place, style, remedy));
                columns.headers.put(column, place.text(table.header()));
            } catch (UserError notNumbers) {
                if (choice.names(column, table.header()) || ESSENTIAL.contains(column)) {
                    throw notNumbers;
                }
                columns.unreadable.put(column, notNumbers);
            }
        });
        return columns;
    }

    private static double[] numbers(
            RawTable table, Quantity column, ColumnChoice.Place place, WrittenNumber style, String remedy) {
        double[] numbers = new double[table.rows().size()];
        for (int i = 0; i < numbers.length; i++) {
            RawRow row = table.rows().get(i);
            if (row.diverged() && (column == Quantity.LOSS || column == Quantity.LOSS_ERROR)) {
                numbers[i] = column == Quantity.LOSS ? Double.POSITIVE_INFINITY : OF_NO_LOSS;
                continue;
            }
            double value = place.value(number(table, row, column, place.index(), style, remedy));
            refuseTwoUnits(table, row, column, place);
            if (place.times().isPresent()) {
                value *= number(table, row, column, place.times().getAsInt(), style, remedy);
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
                    + " as well; say " + Typed.columns(column, header)
                    + " where the cells' own units count, or write them without");
        }
    }

    private static double number(
            RawTable table, RawRow row, Quantity column, int index, WrittenNumber style, String remedy) {
        String value = table.cell(row, index);
        double number = style.read(value, column);
        if (!Double.isFinite(number)) {
            throw new UserError(
                    table.at(row) + "column '" + table.header().get(index) + "' (" + column.unit() + ") holds "
                            + (value.isEmpty() ? "nothing" : "'" + value + "'")
                            + " instead of a finite number"
                            + WrittenNumber.doubt(value)
                            + "; " + remedy + ", leave the row out, or name another column with"
                            + " --columns " + column.label() + "=…");
        }
        return number;
    }
}
