package dev.powersweep.orchestrator.spec;

import dev.powersweep.orchestrator.spec.Condition.Arithmetic;
import dev.powersweep.orchestrator.spec.Condition.Arithmetic.Chain;
import dev.powersweep.orchestrator.spec.Condition.Expression;
import dev.powersweep.orchestrator.spec.Condition.Truth;
import dev.powersweep.orchestrator.spec.Condition.Words;
import java.util.ArrayList;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.function.DoubleBinaryOperator;
import java.util.function.Supplier;
import java.util.regex.Matcher;
import java.util.regex.Pattern;

/**
 * Recursive descent without backtracking: arithmetic and conditions share one grammar, a parenthesis holds either, and
 * each operator checks the kind of its operands. So the first thing that is wrong is the one reported.
 */
final class ConditionParser {
    private static final Pattern TOKEN =
            Pattern.compile("\\s*(?:(?<number>[0-9][0-9_]*(?:\\.[0-9]+)?(?:[eE][-+]?[0-9]+)?[kKMGT]?\\b|\\.[0-9]+)"
                    + "|(?<word>[A-Za-z][A-Za-z0-9_]*(?:\\.[A-Za-z][A-Za-z0-9_]*)*)"
                    + "|(?<text>'[^']*'|\"[^\"]*\")|(?<sign><=|>=|==|!=|&&|\\|\\||[-+*/^()<>=!,]))");
    private static final int DEEPEST = 100;
    private static final int MOST_TOKENS = 20_000;
    private static final String LEARNING_RATE = "learningRate";
    private static final String COMPARISON = "a comparison such as >=";
    private static final List<String> COMPARISONS = List.of("<=", ">=", "==", "!=", "<", ">", "=");

    private record Token(String text, int column) {}

    private final String text;
    private final Map<String, Boolean> axes;
    private final List<Token> tokens = new ArrayList<>();
    private int next;
    private int depth;

    /**
     * @param axes paths of further quantities, and whether they are numbers
     */
    ConditionParser(String text, Map<String, Boolean> axes) {
        this.text = text.stripTrailing();
        this.axes = axes;
        Matcher matcher = TOKEN.matcher(this.text);
        int end = 0;
        while (end < this.text.length()) {
            matcher.region(end, this.text.length());
            if (!matcher.lookingAt()) {
                throw failure("a number, a quantity or an operator", end + 1);
            }
            String token = matcher.group().strip();
            tokens.add(new Token(token, matcher.end() - token.length() + 1));
            end = matcher.end();
            if (tokens.size() > MOST_TOKENS) {
                throw failure(
                        "at most " + MOST_TOKENS + " words and signs, and no more", tokens.get(MOST_TOKENS).column);
            }
        }
    }

    Truth whole() {
        Expression result = disjunction();
        if (next < tokens.size()) {
            throw failure(result instanceof Truth ? "the end, 'and' or 'or'" : COMPARISON, column());
        }
        return truth(result);
    }

    private Expression disjunction() {
        return join(false, "or", "||");
    }

    private Expression join(boolean all, String word, String sign) {
        Expression first = all ? negation() : join(true, "and", "&&");
        if (!at(word) && !at(sign)) {
            return first;
        }
        List<Truth> terms = new ArrayList<>();
        terms.add(truth(first));
        while (accept(word) || accept(sign)) {
            terms.add(truth(all ? negation() : join(true, "and", "&&")));
        }
        return new Truth.Join(all, List.copyOf(terms));
    }

    private Expression negation() {
        if (accept("not") || accept("!")) {
            return deeper(() -> new Truth.Not(truth(negation())));
        }
        return comparison();
    }

    private Expression comparison() {
        Expression left = sum();
        for (String operator : COMPARISONS) {
            if (at(operator)) {
                return left instanceof Words words ? match(words) : comparison(operator, arithmetic(left));
            }
        }
        return left;
    }

    private Truth comparison(String operator, Arithmetic left) {
        next++;
        return new Truth.Comparison(operator, left, arithmetic(sum()));
    }

    private Truth match(Words left) {
        boolean equal = at("==") || at("=");
        if (!equal && !at("!=")) {
            throw failure("== or !=, since what stands before it is text", column());
        }
        next++;
        int column = column();
        if (sum() instanceof Words right) {
            return new Truth.Match(equal, left, right);
        }
        throw failure("text in quotes", column);
    }

    private Expression sum() {
        Expression first = product();
        if (!at("+") && !at("-")) {
            return first;
        }
        List<Chain.Link> rest = new ArrayList<>();
        Arithmetic start = arithmetic(first);
        while (at("+") || at("-")) {
            DoubleBinaryOperator operator = at("+") ? Double::sum : (a, b) -> a - b;
            next++;
            rest.add(new Chain.Link(operator, arithmetic(product())));
        }
        return new Chain(start, List.copyOf(rest));
    }

    private Expression product() {
        Expression first = power();
        if (!at("*") && !at("/")) {
            return first;
        }
        List<Chain.Link> rest = new ArrayList<>();
        Arithmetic start = arithmetic(first);
        while (at("*") || at("/")) {
            DoubleBinaryOperator operator = at("*") ? (a, b) -> a * b : (a, b) -> a / b;
            next++;
            rest.add(new Chain.Link(operator, arithmetic(power())));
        }
        return new Chain(start, List.copyOf(rest));
    }

    private Expression power() {
        if (accept("-")) {
            return deeper(() -> new Arithmetic.Unary(a -> -a, arithmetic(power())));
        }
        Expression base = atom();
        if (!at("^")) {
            return base;
        }
        Arithmetic of = arithmetic(base);
        next++;
        return deeper(() -> new Chain(of, List.of(new Chain.Link(Math::pow, arithmetic(power())))));
    }

    private Expression atom() {
        if (next >= tokens.size()) {
            throw failure(operand(), column());
        }
        if (accept("(")) {
            return deeper(() -> {
                Expression inner = disjunction();
                expect(")");
                return inner;
            });
        }
        Token token = tokens.get(next);
        char first = token.text.charAt(0);
        if (Character.isDigit(first) || first == '.') {
            next++;
            return new Arithmetic.Number(SizeNotation.size(token.text)
                    .orElseThrow(() -> failure("a number", token.column))
                    .doubleValue());
        }
        if (token.text.length() == 1 && "NDBSCU".indexOf(first) >= 0) {
            next++;
            return new Arithmetic.Quantity(first);
        }
        if (first == '\'' || first == '"') {
            next++;
            return new Words.Literal(token.text.substring(1, token.text.length() - 1));
        }
        if (token.text.equals(LEARNING_RATE)) {
            next++;
            return new Arithmetic.PeakRate();
        }
        List<String> named = axes.keySet().stream()
                .filter(path -> path.equals(token.text) || path.endsWith("." + token.text))
                .toList();
        if (named.size() == 1) {
            next++;
            return axes.get(named.get(0)) ? new Arithmetic.Axis(named.get(0)) : new Words.Axis(named.get(0));
        }
        String function = token.text.toLowerCase(Locale.ROOT);
        if (Condition.UNARY.containsKey(function)) {
            next++;
            expect("(");
            return deeper(() -> {
                Arithmetic argument = arithmetic(sum());
                expect(")");
                return new Arithmetic.Unary(Condition.UNARY.get(function), argument);
            });
        }
        if (Condition.BINARY.containsKey(function)) {
            next++;
            expect("(");
            return deeper(() -> {
                Arithmetic left = arithmetic(sum());
                expect(",");
                Arithmetic right = arithmetic(sum());
                expect(")");
                return new Chain(left, List.of(new Chain.Link(Condition.BINARY.get(function), right)));
            });
        }
        throw failure(operand(), token.column);
    }

    private Expression deeper(Supplier<Expression> inner) {
        if (++depth > DEEPEST) {
            throw failure("an expression less deeply nested", column());
        }
        Expression result = inner.get();
        depth--;
        return result;
    }

    /** The expression as a condition; what follows it should have compared it. */
    private Truth truth(Expression expression) {
        if (expression instanceof Truth truth) {
            return truth;
        }
        throw failure(COMPARISON, column());
    }

    /** The expression as a number; a condition has none. */
    private Arithmetic arithmetic(Expression expression) {
        if (expression instanceof Arithmetic arithmetic) {
            return arithmetic;
        }
        throw failure(
                expression instanceof Words
                        ? "a number in place of the text that ends"
                        : "'and', 'or' or the end, since what stands before it is a condition",
                column());
    }

    private String operand() {
        List<String> names = new ArrayList<>(List.of("N, D, B, S, C, U", LEARNING_RATE));
        axes.keySet().forEach(path -> names.add(path.substring(path.lastIndexOf('.') + 1)));
        return "a number or one of " + String.join(", ", names);
    }

    private boolean at(String token) {
        return next < tokens.size() && tokens.get(next).text.equals(token);
    }

    private boolean accept(String token) {
        if (at(token)) {
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
