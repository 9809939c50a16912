package dev.powersweep.fitting.runs;

import java.util.Collections;
import java.util.EnumMap;
import java.util.Map;

/**
 * A point in the variables of a law, observed or not: some columns with a value each.
 *
 * @param values value by column, all positive
 */
public record Point(Map<Quantity, Double> values) {
    /** Copies the values. */
    public Point {
        EnumMap<Quantity, Double> copy = new EnumMap<>(Quantity.class);
        copy.putAll(values);
        values = Collections.unmodifiableMap(copy);
    }

    /** A point with one coordinate. */
    public static Point of(Quantity column, double value) {
        return new Point(Map.of(column, value));
    }

    /** Model size and tokens: what most laws need. */
    public static Point nd(double parameters, double tokens) {
        return of(Quantity.N, parameters).and(Quantity.D, tokens);
    }

    /** This point with one coordinate more. */
    public Point and(Quantity column, double value) {
        EnumMap<Quantity, Double> copy = new EnumMap<>(Quantity.class);
        copy.putAll(values);
        copy.put(column, value);
        return new Point(copy);
    }

    /** Whether the point has the coordinate, given or derivable as {@link #get} says. */
    public boolean has(Quantity column) {
        return values.containsKey(column)
                || switch (column) {
                    case C -> values.containsKey(Quantity.N) && has(Quantity.D);
                    case D -> values.containsKey(Quantity.B) && values.containsKey(Quantity.S);
                    case S -> values.containsKey(Quantity.D) && values.containsKey(Quantity.B);
                    case U -> has(Quantity.D);
                    default -> false;
                };
    }

    /**
     * The coordinate. Where it was not given it is derived as {@link Observations} derives it: {@code D = B·S},
     * {@code S = D/B}, {@code C = 6·N·D}, {@code U = D}.
     *
     * @throws FitRefusal MISSING_COLUMN where it is neither given nor derivable
     */
    public double get(Quantity column) {
        Double value = values.get(column);
        if (value != null) {
            return value;
        }
        if (!has(column)) {
            throw new FitRefusal(
                    FitRefusal.Reason.MISSING_COLUMN,
                    "A prediction needs " + column.described() + "; give it with the point.");
        }
        return switch (column) {
            case C -> 6 * get(Quantity.N) * get(Quantity.D);
            case D -> get(Quantity.B) * get(Quantity.S);
            case S -> get(Quantity.D) / get(Quantity.B);
            case U -> get(Quantity.D);
            default -> throw new AssertionError(column);
        };
    }
}
