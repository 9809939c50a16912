package dev.powersweep.orchestrator.spec;

import java.math.BigDecimal;
import java.util.List;
import java.util.Optional;
import java.util.regex.Pattern;
import java.util.stream.Stream;

/** What a key of the specification may hold. */
sealed interface ValueKind {

    /** For the reference page and for messages: "a number above 0". */
    String describe();

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
    record Numeric(Notation notation, boolean whole, Optional<Bound> lower, Optional<Bound> upper)
            implements ValueKind {

        static Numeric whole(long lower, long upper) {
            return new Numeric(Notation.SIZE, true, from(lower), from(upper));
        }

        static Numeric wholeFrom(long lower) {
            return new Numeric(Notation.SIZE, true, from(lower), from(Long.MAX_VALUE / 1024));
        }

        static Numeric bytesFrom(long lower) {
            return new Numeric(Notation.BYTES, true, from(lower), from(Long.MAX_VALUE / 1024));
        }

        static Numeric sizeAbove(String lower) {
            return new Numeric(Notation.SIZE, false, above(lower), Optional.empty());
        }

        /** (lower, upper]. */
        static Numeric above(double lower, double upper) {
            return new Numeric(Notation.PLAIN, false, above(Double.toString(lower)), inclusive(upper));
        }

        /** [lower, upper]. */
        static Numeric closed(double lower, double upper) {
            return new Numeric(Notation.PLAIN, false, inclusive(lower), inclusive(upper));
        }

        /** [lower, upper). */
        static Numeric halfOpen(double lower, double upper) {
            return new Numeric(
                    Notation.PLAIN, false, inclusive(lower), Optional.of(new Bound(BigDecimal.valueOf(upper), false)));
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

        Optional<BigDecimal> parse(String text) {
            return switch (notation) {
                case PLAIN ->
                    Pattern.matches("[-+]?" + Numbers.PLAIN_PATTERN, text) ? Numbers.plain(text) : Optional.empty();
                case SIZE -> Numbers.size(text);
                case BYTES -> Numbers.bytes(text);
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
    record Text(String pattern, String description) implements ValueKind {
        static final Text ANY = new Text(".+", "text");

        @Override
        public String describe() {
            return description;
        }
    }

    /** One of a few words. */
    record Choice(List<String> words) implements ValueKind {
        static Choice of(String... words) {
            return new Choice(List.of(words));
        }

        @Override
        public String describe() {
            return words.size() == 1
                    ? words.get(0)
                    : "one of " + String.join(", ", words.subList(0, words.size() - 1)) + " or "
                            + words.get(words.size() - 1);
        }
    }

    /** A list with at least one entry, or one entry alone. */
    record Many(ValueKind item) implements ValueKind {
        @Override
        public String describe() {
            return "one or a list of: " + item.describe();
        }
    }

    /**
     * A mapping with known keys.
     *
     * @param exclusive of each group at most one key may be given
     * @param needed of each group at least one key must be given
     */
    record Section(List<SpecKey> keys, List<List<String>> exclusive, List<List<String>> needed) implements ValueKind {
        static Section of(SpecKey... keys) {
            return new Section(List.of(keys), List.of(), List.of());
        }

        Section atMostOneOf(String... group) {
            return new Section(keys, with(exclusive, group), needed);
        }

        Section atLeastOneOf(String... group) {
            return new Section(keys, exclusive, with(needed, group));
        }

        private static List<List<String>> with(List<List<String>> groups, String... group) {
            return Stream.concat(groups.stream(), Stream.of(List.of(group))).toList();
        }

        @Override
        public String describe() {
            return "a mapping";
        }
    }

    /** A mapping whose keys the user chooses. */
    record Named(String keyPattern, ValueKind value) implements ValueKind {
        @Override
        public String describe() {
            return "a mapping of names to: " + value.describe();
        }
    }

    /** A scalar kind for scalars, a section for mappings. */
    record Either(List<ValueKind> scalars, Section section) implements ValueKind {
        @Override
        public String describe() {
            StringBuilder result = new StringBuilder();
            scalars.forEach(kind -> result.append(kind.describe()).append(", "));
            return result + "or a mapping";
        }
    }
}
