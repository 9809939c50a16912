package dev.powersweep.fitting.law;

import dev.powersweep.fitting.runs.Quantity;
import java.io.Serializable;
import java.util.List;

/**
 * One term of a sum of powers.
 *
 * @param coefficient name of its coefficient
 * @param form how the coefficient is published
 * @param factors powers of columns it is made of; none for a constant
 */
public record Term(String coefficient, Form form, List<Factor> factors) implements Serializable {
    /** How a coefficient is published. */
    public enum Form {
        /** {@code A / N^α}: the coefficient multiplies. */
        FACTOR,
        /** {@code (N_c / N)^α}: the coefficient is a size, inside the power. One factor only. */
        SCALE
    }

    /**
     * A power of a column.
     *
     * @param column which
     * @param exponent name of the exponent, or empty for a fixed power
     * @param multiplier the column enters as {@code column^(−multiplier·exponent)}, or {@code column^(−multiplier)} where
     *     fixed
     */
    public record Factor(Quantity column, String exponent, double multiplier) implements Serializable {}

    /** A constant. */
    public static Term constant(String name) {
        return new Term(name, Form.FACTOR, List.of());
    }

    /** {@code coefficient / column^exponent}. */
    public static Term power(String coefficient, Quantity column, String exponent) {
        return new Term(coefficient, Form.FACTOR, List.of(new Factor(column, exponent, 1)));
    }

    /** {@code (scale / column)^exponent}. */
    public static Term scaled(String scale, Quantity column, String exponent) {
        return new Term(scale, Form.SCALE, List.of(new Factor(column, exponent, 1)));
    }
}
