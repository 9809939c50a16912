package dev.powersweep.orchestrator.spec;

import java.util.List;
import java.util.Map;
import java.util.function.DoubleBinaryOperator;
import java.util.function.DoubleUnaryOperator;

/**
 * A {@code where} filter: a comparison of arithmetic over a cell's quantities, joined by {@code and}, {@code or},
 * {@code not} (or {@code &&}, {@code ||}, {@code !}).
 *
 * <p>Quantities are {@link Quantities}; numbers may carry k, M, G, T; {@code ^} is power, to the right; functions are
 * ln, log10, sqrt, abs, min, max. An axis is named by its path or its end, and where its values are words it is compared
 * with one in quotes: {@code activation == 'gelu'}. Nothing else can be named, so a specification cannot run code.
 */
public final class Condition {

    /**
     * @param n non-embedding parameters N
     * @param d tokens seen D
     * @param b batch in tokens B
     * @param s steps S
     * @param c compute C = 6·N·D, FLOPs
     * @param u unique tokens U
     * @param learningRate peak
     * @param settings values of {@code grid.axes} by their paths
     */
    public record Quantities(
            double n,
            double d,
            double b,
            double s,
            double c,
            double u,
            double learningRate,
            Map<String, String> settings) {
        public Quantities {
            settings = Map.copyOf(settings);
        }
    }

    /** A node of the parsed condition. */
    sealed interface Expression permits Arithmetic, Truth, Words {}

    /** An expression with text as its value. */
    sealed interface Words extends Expression {
        record Literal(String text) implements Words {}

        record Axis(String path) implements Words {}
    }

    /** An expression with a number as its value. */
    sealed interface Arithmetic extends Expression {
        record Number(double value) implements Arithmetic {}

        record Quantity(char name) implements Arithmetic {}

        record PeakRate() implements Arithmetic {}

        record Axis(String path) implements Arithmetic {}

        record Unary(DoubleUnaryOperator function, Arithmetic argument) implements Arithmetic {}

        /** From the left: (((first op₁ a₁) op₂ a₂) …); one node for a chain of any length. */
        record Chain(Arithmetic first, List<Link> rest) implements Arithmetic {
            record Link(DoubleBinaryOperator function, Arithmetic argument) {}
        }
    }

    /** An expression that holds or does not. */
    sealed interface Truth extends Expression {
        record Comparison(String operator, Arithmetic left, Arithmetic right) implements Truth {}

        record Match(boolean equal, Words left, Words right) implements Truth {}

        record Not(Truth inner) implements Truth {}

        /** All of the terms, or any of them; one node for a chain of any length. */
        record Join(boolean all, List<Truth> terms) implements Truth {}
    }

    static final Map<String, DoubleUnaryOperator> UNARY =
            Map.of("ln", Math::log, "log10", Math::log10, "sqrt", Math::sqrt, "abs", Math::abs);
    static final Map<String, DoubleBinaryOperator> BINARY = Map.of("min", Math::min, "max", Math::max);

    private final String text;
    private final Truth truth;

    private Condition(String text, Truth truth) {
        this.text = text;
        this.truth = truth;
    }

    /** As {@link #parse(String, Map)}, without axes. */
    public static Condition parse(String text) {
        return parse(text, Map.of());
    }

    /**
     * Throws {@link IllegalArgumentException} with the column and what was expected there.
     *
     * @param axes paths of {@code grid.axes}, and whether their values are numbers
     */
    public static Condition parse(String text, Map<String, Boolean> axes) {
        return new Condition(text, new ConditionParser(text, axes).whole());
    }

    /** Holds where both do. */
    public Condition and(Condition other) {
        return new Condition(
                "(" + text + ") and (" + other.text + ")", new Truth.Join(true, List.of(truth, other.truth)));
    }

    /** Whether it names N or C. */
    public boolean asksForSize() {
        return asksForSize(truth);
    }

    private static boolean asksForSize(Expression node) {
        if (node instanceof Truth.Not not) {
            return asksForSize(not.inner);
        } else if (node instanceof Truth.Join join) {
            return join.terms.stream().anyMatch(Condition::asksForSize);
        } else if (node instanceof Truth.Comparison comparison) {
            return asksForSize(comparison.left) || asksForSize(comparison.right);
        } else if (node instanceof Arithmetic.Unary call) {
            return asksForSize(call.argument);
        } else if (node instanceof Arithmetic.Chain chain) {
            return asksForSize(chain.first) || chain.rest.stream().anyMatch(link -> asksForSize(link.argument));
        }
        return node instanceof Arithmetic.Quantity quantity && (quantity.name == 'N' || quantity.name == 'C');
    }

    public boolean holds(Quantities cell) {
        return holds(truth, cell);
    }

    @Override
    public String toString() {
        return text;
    }

    @Override
    public boolean equals(Object other) {
        return other instanceof Condition that && text.equals(that.text);
    }

    @Override
    public int hashCode() {
        return text.hashCode();
    }

    private static boolean holds(Truth truth, Quantities cell) {
        if (truth instanceof Truth.Not not) {
            return !holds(not.inner, cell);
        }
        if (truth instanceof Truth.Join join) {
            return join.all
                    ? join.terms.stream().allMatch(term -> holds(term, cell))
                    : join.terms.stream().anyMatch(term -> holds(term, cell));
        }
        if (truth instanceof Truth.Match match) {
            return match.equal == words(match.left, cell).equals(words(match.right, cell));
        }
        Truth.Comparison comparison = (Truth.Comparison) truth;
        double left = value(comparison.left, cell);
        double right = value(comparison.right, cell);
        return switch (comparison.operator) {
            case "<" -> left < right;
            case "<=" -> left <= right;
            case ">" -> left > right;
            case ">=" -> left >= right;
            case "==", "=" -> left == right;
            case "!=" -> left != right;
            default -> throw new IllegalStateException(comparison.operator);
        };
    }

    private static String words(Words words, Quantities cell) {
        return words instanceof Words.Literal literal
                ? literal.text
                : cell.settings.getOrDefault(((Words.Axis) words).path, "");
    }

    private static double value(Arithmetic node, Quantities cell) {
        if (node instanceof Arithmetic.Number number) {
            return number.value;
        }
        if (node instanceof Arithmetic.Unary call) {
            return call.function.applyAsDouble(value(call.argument, cell));
        }
        if (node instanceof Arithmetic.Chain chain) {
            double value = value(chain.first, cell);
            for (Arithmetic.Chain.Link link : chain.rest) {
                value = link.function.applyAsDouble(value, value(link.argument, cell));
            }
            return value;
        }
        if (node instanceof Arithmetic.PeakRate) {
            return cell.learningRate;
        }
        if (node instanceof Arithmetic.Axis axis) {
            return SizeNotation.size(cell.settings.getOrDefault(axis.path, ""))
                    .map(Number::doubleValue)
                    .orElse(Double.NaN);
        }
        return switch (((Arithmetic.Quantity) node).name) {
            case 'N' -> cell.n;
            case 'D' -> cell.d;
            case 'B' -> cell.b;
            case 'S' -> cell.s;
            case 'C' -> cell.c;
            case 'U' -> cell.u;
            default -> throw new IllegalStateException(node.toString());
        };
    }
}
