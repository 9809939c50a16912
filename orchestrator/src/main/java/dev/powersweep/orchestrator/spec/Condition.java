package dev.powersweep.orchestrator.spec;

import java.util.ArrayList;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.function.DoubleBinaryOperator;
import java.util.function.DoubleUnaryOperator;
import java.util.regex.Matcher;
import java.util.regex.Pattern;

/**
 * A {@code where} filter: a comparison of arithmetic over a cell's quantities, joined by {@code and}, {@code or},
 * {@code not} (or {@code &&}, {@code ||}, {@code !}).
 *
 * <p>Quantities are {@link Quantities}; numbers may carry k, M, G, T; {@code ^} is power, to the right; functions are
 * ln, log10, sqrt, abs, min, max. Nothing else can be named, so a specification cannot run code.
 */
public final class Condition {

    /**
     * @param n non-embedding parameters N
     * @param d tokens seen D
     * @param b batch in tokens B
     * @param s steps S
     * @param c compute C = 6·N·D, FLOPs
     * @param u unique tokens U
     */
    public record Quantities(double n, double d, double b, double s, double c, double u) {}

    private sealed interface Node {
        record Number(double value) implements Node {}

        record Quantity(char name) implements Node {}

        record Call1(DoubleUnaryOperator function, Node argument) implements Node {}

        record Call2(DoubleBinaryOperator function, Node left, Node right) implements Node {}
    }

    private sealed interface Test {
        record Comparison(String operator, Node left, Node right) implements Test {}

        record Not(Test inner) implements Test {}

        record Join(boolean all, Test left, Test right) implements Test {}
    }

    private static final Map<String, DoubleUnaryOperator> UNARY =
            Map.of("ln", Math::log, "log10", Math::log10, "sqrt", Math::sqrt, "abs", Math::abs);
    private static final Map<String, DoubleBinaryOperator> BINARY = Map.of("min", Math::min, "max", Math::max);

    private final String text;
    private final Test test;

    private Condition(String text, Test test) {
        this.text = text;
        this.test = test;
    }

    /** Throws {@link IllegalArgumentException} with the column and what was expected there. */
    public static Condition parse(String text) {
        return new Condition(text, new Parser(text).whole());
    }

    public boolean holds(Quantities cell) {
        return holds(test, cell);
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

    private static boolean holds(Test test, Quantities cell) {
        if (test instanceof Test.Not not) {
            return !holds(not.inner, cell);
        }
        if (test instanceof Test.Join join) {
            return join.all
                    ? holds(join.left, cell) && holds(join.right, cell)
                    : holds(join.left, cell) || holds(join.right, cell);
        }
        Test.Comparison comparison = (Test.Comparison) test;
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

    private static double value(Node node, Quantities cell) {
        if (node instanceof Node.Number number) {
            return number.value;
        }
        if (node instanceof Node.Call1 call) {
            return call.function.applyAsDouble(value(call.argument, cell));
        }
        if (node instanceof Node.Call2 call) {
            return call.function.applyAsDouble(value(call.left, cell), value(call.right, cell));
        }
        return switch (((Node.Quantity) node).name) {
            case 'N' -> cell.n;
            case 'D' -> cell.d;
            case 'B' -> cell.b;
            case 'S' -> cell.s;
            case 'C' -> cell.c;
            case 'U' -> cell.u;
            default -> throw new IllegalStateException(node.toString());
        };
    }

    private record Token(String text, int column) {}

    /**
     * Recursive descent. A parenthesis may open arithmetic or a condition; which one is known only at its end, so the
     * condition is tried first and the arithmetic after it.
     */
    private static final class Parser {
        private static final Pattern TOKEN =
                Pattern.compile("\\s*(?:(?<number>[0-9][0-9_]*(?:\\.[0-9]+)?(?:[eE][-+]?[0-9]+)?[kKMGT]?\\b|\\.[0-9]+)"
                        + "|(?<word>[A-Za-z][A-Za-z0-9_]*)|(?<sign><=|>=|==|!=|&&|\\|\\||[-+*/^()<>=!,]))");
        private static final int DEEPEST = 100;

        private final String text;
        private final List<Token> tokens = new ArrayList<>();
        private int next;
        private int depth;

        Parser(String text) {
            this.text = text;
            Matcher matcher = TOKEN.matcher(text);
            int end = 0;
            while (end < text.length() && !text.substring(end).isBlank()) {
                matcher.region(end, text.length());
                if (!matcher.lookingAt()) {
                    throw failure("a number, a quantity or an operator", end + 1);
                }
                String token = matcher.group().strip();
                tokens.add(new Token(token, matcher.end() - token.length() + 1));
                end = matcher.end();
            }
        }

        Test whole() {
            Test result = disjunction();
            if (next < tokens.size()) {
                throw failure("the end, 'and' or 'or'", column());
            }
            return result;
        }

        private Test disjunction() {
            Test left = conjunction();
            while (accept("or") || accept("||")) {
                left = new Test.Join(false, left, conjunction());
            }
            return left;
        }

        private Test conjunction() {
            Test left = negation();
            while (accept("and") || accept("&&")) {
                left = new Test.Join(true, left, negation());
            }
            return left;
        }

        private Test negation() {
            if (++depth > DEEPEST) {
                throw failure("an expression less deeply nested", column());
            }
            try {
                if (accept("not") || accept("!")) {
                    return new Test.Not(negation());
                }
                int start = next;
                if (accept("(")) {
                    try {
                        Test inner = disjunction();
                        expect(")");
                        return inner;
                    } catch (IllegalArgumentException notACondition) {
                        next = start;
                    }
                }
                return comparison();
            } finally {
                depth--;
            }
        }

        private Test comparison() {
            Node left = sum();
            for (String operator : List.of("<=", ">=", "==", "!=", "<", ">", "=")) {
                if (accept(operator)) {
                    return new Test.Comparison(operator, left, sum());
                }
            }
            throw failure("a comparison such as >=", column());
        }

        private Node sum() {
            Node left = product();
            while (true) {
                if (accept("+")) {
                    left = new Node.Call2(Double::sum, left, product());
                } else if (accept("-")) {
                    left = new Node.Call2((a, b) -> a - b, left, product());
                } else {
                    return left;
                }
            }
        }

        private Node product() {
            Node left = power();
            while (true) {
                if (accept("*")) {
                    left = new Node.Call2((a, b) -> a * b, left, power());
                } else if (accept("/")) {
                    left = new Node.Call2((a, b) -> a / b, left, power());
                } else {
                    return left;
                }
            }
        }

        private Node power() {
            if (++depth > DEEPEST) {
                throw failure("an expression less deeply nested", column());
            }
            try {
                if (accept("-")) {
                    return new Node.Call1(a -> -a, power());
                }
                Node base = atom();
                return accept("^") ? new Node.Call2(Math::pow, base, power()) : base;
            } finally {
                depth--;
            }
        }

        private Node atom() {
            if (next >= tokens.size()) {
                throw failure("a number or one of N, D, B, S, C, U", column());
            }
            if (accept("(")) {
                Node inner = sum();
                expect(")");
                return inner;
            }
            Token token = tokens.get(next);
            char first = token.text.charAt(0);
            if (Character.isDigit(first) || first == '.') {
                next++;
                return new Node.Number(Numbers.size(token.text)
                        .orElseThrow(() -> failure("a number", token.column))
                        .doubleValue());
            }
            if (token.text.length() == 1 && "NDBSCU".indexOf(first) >= 0) {
                next++;
                return new Node.Quantity(first);
            }
            String function = token.text.toLowerCase(Locale.ROOT);
            if (UNARY.containsKey(function)) {
                next++;
                expect("(");
                Node argument = sum();
                expect(")");
                return new Node.Call1(UNARY.get(function), argument);
            }
            if (BINARY.containsKey(function)) {
                next++;
                expect("(");
                Node left = sum();
                expect(",");
                Node right = sum();
                expect(")");
                return new Node.Call2(BINARY.get(function), left, right);
            }
            throw failure("a number or one of N, D, B, S, C, U", token.column);
        }

        private boolean accept(String token) {
            if (next < tokens.size() && tokens.get(next).text.equals(token)) {
                next++;
                return true;
            }
            return false;
        }

        private void expect(String token) {
            if (!accept(token)) {
                throw failure("'" + token + "'", column());
            }
        }

        private int column() {
            return next < tokens.size() ? tokens.get(next).column : text.length() + 1;
        }

        private static IllegalArgumentException failure(String expected, int column) {
            return new IllegalArgumentException("a condition with " + expected + " at column " + column);
        }
    }
}
