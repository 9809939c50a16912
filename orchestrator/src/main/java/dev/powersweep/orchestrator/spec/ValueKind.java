package dev.powersweep.orchestrator.spec;

import dev.powersweep.orchestrator.spec.Settings.Value;
import java.math.BigDecimal;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.Optional;
import java.util.function.Function;
import java.util.stream.Stream;
import org.snakeyaml.engine.v2.nodes.Node;

/**
 * What a key of the specification may hold.
 *
 * @param <T> what becomes of it in Java
 */
sealed interface ValueKind<T> {

    /** For the reference page and for messages: "a number above 0". */
    String describe();

    /** The Java value of a checked value of this kind. */
    T bind(Value value);

    /** How a number may be written. */
    enum Notation {
        /** {@code 0.1}, {@code 1e-8}. */
        PLAIN,
        /** Also {@code 300k}, {@code 1.2M}; k, M, G, T are powers of 1000. */
        SIZE,
        /** Also {@code 512MB}, {@code 2GB}; powers of 1024. */
        BYTES
    }

    /** A bound of a number. */
    record Bound(BigDecimal value, boolean inclusive) {}

    /**
     * @param whole whether fractions are refused (after its suffix is applied)
     */
    record Numeric<T>(
            Notation notation,
            boolean whole,
            Optional<Bound> lower,
            Optional<Bound> upper,
            Function<BigDecimal, T> java)
            implements ValueKind<T> {

        static Numeric<Integer> whole(int lower, int upper) {
            return new Numeric<>(Notation.SIZE, true, from(lower), from(upper), BigDecimal::intValueExact);
        }

        static Numeric<Long> wholeFrom(long lower) {
            return longs(Notation.SIZE, lower, Long.MAX_VALUE / 1024);
        }

        static Numeric<Long> longs(Notation notation, long lower, long upper) {
            return new Numeric<>(notation, true, from(lower), from(upper), BigDecimal::longValueExact);
        }

        static Numeric<Long> bytesFrom(long lower) {
            return longs(Notation.BYTES, lower, Long.MAX_VALUE / 1024);
        }

        static Numeric<Double> sizeAbove(String lower) {
            return new Numeric<>(Notation.SIZE, false, above(lower), Optional.empty(), BigDecimal::doubleValue);
        }

        /** (lower, upper]. */
        static Numeric<Double> above(double lower, double upper) {
            return plain(Optional.of(new Bound(BigDecimal.valueOf(lower), false)), inclusive(upper));
        }

        /** [lower, upper]. */
        static Numeric<Double> closed(double lower, double upper) {
            return plain(inclusive(lower), inclusive(upper));
        }

        /** [lower, upper). */
        static Numeric<Double> halfOpen(double lower, double upper) {
            return plain(inclusive(lower), Optional.of(new Bound(BigDecimal.valueOf(upper), false)));
        }

        private static Numeric<Double> plain(Optional<Bound> lower, Optional<Bound> upper) {
            return new Numeric<>(Notation.PLAIN, false, lower, upper, BigDecimal::doubleValue);
        }

        private static Optional<Bound> from(long value) {
            return Optional.of(new Bound(BigDecimal.valueOf(value), true));
        }

        private static Optional<Bound> above(String value) {
            return Optional.of(new Bound(new BigDecimal(value), false));
        }

        private static Optional<Bound> inclusive(double value) {
            return Optional.of(new Bound(BigDecimal.valueOf(value), true));
        }

        @Override
        public T bind(Value value) {
            return java.apply((BigDecimal) value.content());
        }

        Optional<BigDecimal> parse(String text) {
            return switch (notation) {
                case PLAIN -> SizeNotation.isPlain(text) ? SizeNotation.plain(text) : Optional.empty();
                case SIZE -> SizeNotation.size(text);
                case BYTES -> SizeNotation.bytes(text);
            };
        }

        boolean admits(BigDecimal value) {
            return (!whole || value.stripTrailingZeros().scale() <= 0)
                    && lower.map(bound -> value.compareTo(bound.value) > (bound.inclusive ? -1 : 0))
                            .orElse(true)
                    && upper.map(bound -> value.compareTo(bound.value) < (bound.inclusive ? 1 : 0))
                            .orElse(true);
        }

        /** "above 0", "in [0, 1)". */
        String bounds() {
            String low = lower.map(bound -> plain(bound.value)).orElse("");
            boolean practicalUpper =
                    upper.isPresent() && upper.get().value.compareTo(BigDecimal.valueOf(Long.MAX_VALUE / 1024)) < 0;
            if (!practicalUpper) {
                return lower.map(bound -> (bound.inclusive ? "at least " : "above ") + low)
                        .orElse("finite");
            }
            Bound high = upper.get();
            return "in " + (lower.orElseThrow().inclusive ? "[" : "(") + low + ", " + plain(high.value)
                    + (high.inclusive ? "]" : ")");
        }

        @Override
        public String describe() {
            String form =
                    switch (notation) {
                        case PLAIN -> whole ? "a whole number" : "a number";
                        case SIZE -> whole ? "a whole number (k, M, G, T allowed)" : "a number (k, M, G, T allowed)";
                        case BYTES -> "bytes (kB, MB, GB allowed)";
                    };
            return form + " " + bounds();
        }

        private static String plain(BigDecimal value) {
            return value.stripTrailingZeros().toPlainString();
        }
    }

    /** Any text that matches. */
    record Text<T>(String pattern, String description, Function<String, T> java) implements ValueKind<T> {
        static final Text<String> ANY = of(".+", "text");

        /** As it is written, blanks around it included; it may be empty, in quotes. No program can be given a character 0. */
        static final Text<String> VERBATIM = of("[^\\x00]*", "text, '' where it is empty");

        static Text<String> of(String pattern, String description) {
            return new Text<>(pattern, description, Function.identity());
        }

        @Override
        public String describe() {
            return description;
        }

        @Override
        public T bind(Value value) {
            return java.apply((String) value.content());
        }
    }

    /**
     * One of a few words.
     *
     * @param words in the order of the reference page, each with what it stands for
     */
    record Choice<T>(Map<String, T> words) implements ValueKind<T> {

        static Choice<String> of(String... words) {
            return new Choice<>(of(List.of(words), word -> word));
        }

        /** {@code squared-relu} for {@code SQUARED_RELU}. */
        static <E extends Enum<E>> Choice<E> of(Class<E> type) {
            return of(List.of(type.getEnumConstants()));
        }

        static <E extends Enum<E>> Choice<E> of(List<E> constants) {
            return new Choice<>(of(
                    constants,
                    constant -> constant.name().toLowerCase(Locale.ROOT).replace('_', '-')));
        }

        private static <T> Map<String, T> of(List<T> values, Function<T, String> word) {
            Map<String, T> words = new LinkedHashMap<>();
            values.forEach(value -> words.put(word.apply(value), value));
            return words;
        }

        @Override
        public String describe() {
            List<String> all = List.copyOf(words.keySet());
            return all.size() == 1
                    ? all.get(0)
                    : "one of " + String.join(", ", all.subList(0, all.size() - 1)) + " or " + all.get(all.size() - 1);
        }

        @Override
        public T bind(Value value) {
            return words.get((String) value.content());
        }
    }

    /** Any YAML; where it is put decides what it may be. */
    record Raw() implements ValueKind<Node> {
        @Override
        public String describe() {
            return "a value of that key";
        }

        @Override
        public Node bind(Value value) {
            return (Node) value.content();
        }
    }

    /** A list with at least one entry, or one entry alone. */
    record Many<T>(ValueKind<T> item) implements ValueKind<List<T>> {
        @Override
        public String describe() {
            return "one or a list of: " + item.describe();
        }

        @Override
        public List<T> bind(Value value) {
            return items(value).stream().map(item::bind).toList();
        }

        static List<Value> items(Value value) {
            return ((List<?>) value.content()).stream().map(Value.class::cast).toList();
        }
    }

    /**
     * A mapping with known keys.
     *
     * @param exclusive of each group at most one key may be given
     * @param needed of each group at least one key must be given
     * @param java makes the record, and notes what only several keys together can get wrong
     */
    record Section<T>(
            List<SpecKey<?>> keys, List<List<String>> exclusive, List<List<String>> needed, Function<Settings, T> java)
            implements ValueKind<T> {

        static <T> Section<T> of(Function<Settings, T> java, SpecKey<?>... keys) {
            return new Section<>(List.of(keys), List.of(), List.of(), java);
        }

        Section<T> atMostOneOf(SpecKey<?>... group) {
            return new Section<>(keys, with(exclusive, group), needed, java);
        }

        Section<T> atLeastOneOf(SpecKey<?>... group) {
            return new Section<>(keys, exclusive, with(needed, group), java);
        }

        private static List<List<String>> with(List<List<String>> groups, SpecKey<?>... group) {
            return Stream.concat(
                            groups.stream(),
                            Stream.of(Stream.of(group).map(SpecKey::name).toList()))
                    .toList();
        }

        @Override
        public String describe() {
            return "a mapping";
        }

        @Override
        public T bind(Value value) {
            return java.apply((Settings) value.content());
        }
    }

    /** A mapping whose keys the user chooses. */
    record Named<T>(String keyPattern, String keyDescription, ValueKind<T> value) implements ValueKind<Map<String, T>> {
        @Override
        public String describe() {
            return "a mapping of names to: " + value.describe();
        }

        @Override
        public Map<String, T> bind(Value named) {
            Map<String, T> result = new LinkedHashMap<>();
            ((Settings) named.content()).values().forEach((name, entry) -> result.put(name, value.bind(entry)));
            return result;
        }
    }

    /** A mapping, or a scalar in its place. */
    record Either<T>(List<Scalar<T>> scalars, Section<T> section) implements ValueKind<T> {

        /**
         * @param shortFor the key of the section that the scalar is read into; empty where it stands for a value of its
         *     own
         * @param java what it stands for then
         */
        record Scalar<T>(ValueKind<?> kind, Optional<SpecKey<?>> shortFor, Function<Value, T> java) {}

        /** A number or word that stands for a value of its own. */
        static <S, T> Either<T> of(ValueKind<S> scalar, Function<S, T> java, Section<T> section) {
            return new Either<>(
                    List.of(new Scalar<>(scalar, Optional.empty(), value -> java.apply(scalar.bind(value)))), section);
        }

        /** The mapping; a scalar of the kind is short for the mapping with that one key. */
        static <S, T> Either<T> shorthand(ValueKind<S> scalar, SpecKey<S> key, Section<T> section) {
            return new Either<T>(List.of(), section).orShort(scalar, key);
        }

        <S> Either<T> orShort(ValueKind<S> scalar, SpecKey<S> key) {
            Scalar<T> added = new Scalar<>(scalar, Optional.of(key), value -> {
                throw new IllegalStateException(key.name() + " is read as a section");
            });
            return new Either<>(
                    Stream.concat(scalars.stream(), Stream.of(added)).toList(), section);
        }

        @Override
        public String describe() {
            StringBuilder result = new StringBuilder();
            scalars.forEach(scalar -> result.append(scalar.kind.describe()).append(", "));
            return result + "or a mapping";
        }

        @Override
        public T bind(Value value) {
            return value.content() instanceof Settings
                    ? section.bind(value)
                    : scalars.get(0).java.apply(value);
        }
    }
}
