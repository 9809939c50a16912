package dev.powersweep.fitting.runs;

import java.util.Collections;
import java.util.EnumMap;
import java.util.Map;

/**
 * A place in the space that laws speak of, observed or not: some columns with a value each.
 *
 * @param values value by column, all positive
 */
public record Point(Map<Column, Double> values) {
    /** Copies the values. */
    public Point {
        EnumMap<Column, Double> copy = new EnumMap<>(Column.class);
        copy.putAll(values);
        values = Collections.unmodifiableMap(copy);
    }

    /** A point with one coordinate. */
    public static Point of(Column column, double value) {
        return new Point(Map.of(column, value));
    }

    /** Model size and tokens: what most laws need. */
    public static Point nd(double parameters, double tokens) {
        return of(Column.N, parameters).and(Column.D, tokens);
    }

    /** This point with one coordinate more. */
    public Point and(Column column, double value) {
        EnumMap<Column, Double> copy = new EnumMap<>(Column.class);
        copy.putAll(values);
        copy.put(column, value);
        return new Point(copy);
    }

    /** Whether the point has the coordinate, given or derivable as {@link #get} says. */
    public boolean has(Column column) {
        return values.containsKey(column)
                || switch (column) {
                    case C -> values.containsKey(Column.N) && has(Column.D);
                    case D -> values.containsKey(Column.B) && values.containsKey(Column.S);
                    case S -> values.containsKey(Column.D) && values.containsKey(Column.B);
                    case U -> has(Column.D);
                    default -> false;
                };
    }

    /**
     * The coordinate. Where it was not given it is derived as {@link Observations} derives it: {@code D = B·S},
     * {@code S = D/B}, {@code C = 6·N·D}, {@code U = D}.
     *
     * @throws FitRefusal MISSING_COLUMN where it is neither given nor derivable
     */
    public double get(Column column) {
        Double value = values.get(column);
        if (value != null) {
            return value;
        }
        if (!has(column)) {
            throw new FitRefusal(
                    FitRefusal.Reason.MISSING_COLUMN,
                    "A prediction needs " + column.label() + " (" + column.unit() + "); give it with the point.");
        }
        return switch (column) {
            case C -> 6 * get(Column.N) * get(Column.D);
            case D -> get(Column.B) * get(Column.S);
            case S -> get(Column.D) / get(Column.B);
            case U -> get(Column.D);
            default -> throw new AssertionError(column);
        };
    }
}
