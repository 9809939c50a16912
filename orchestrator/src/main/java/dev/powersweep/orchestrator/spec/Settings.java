package dev.powersweep.orchestrator.spec;

import java.math.BigDecimal;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.OptionalDouble;
import java.util.OptionalInt;

/**
 * A checked section: every value is of its key's kind, absent keys hold their defaults.
 *
 * @param values by key; keys without value or default are missing
 */
record Settings(Place place, Map<String, Value> values) {

    /**
     * @param content {@link BigDecimal}, {@link String}, a list of values, or {@link Settings}
     * @param given whether the user wrote it
     */
    record Value(Place place, Object content, boolean given) {

        BigDecimal number() {
            return (BigDecimal) content;
        }

        String text() {
            return (String) content;
        }

        @SuppressWarnings("unchecked")
        List<Value> list() {
            return (List<Value>) content;
        }

        Settings settings() {
            return (Settings) content;
        }
    }

    Optional<Value> find(String key) {
        return Optional.ofNullable(values.get(key));
    }

    boolean given(String key) {
        return find(key).map(Value::given).orElse(false);
    }

    Value value(String key) {
        return find(key)
                .orElseThrow(() -> new IllegalStateException(
                        "no default for " + place.child(key).path()));
    }

    double real(String key) {
        return value(key).number().doubleValue();
    }

    int whole(String key) {
        return value(key).number().intValueExact();
    }

    String text(String key) {
        return value(key).text();
    }

    Settings section(String key) {
        return value(key).settings();
    }

    Optional<String> optionalText(String key) {
        return find(key).map(Value::text);
    }

    OptionalInt optionalWhole(String key) {
        return find(key)
                .map(value -> OptionalInt.of(value.number().intValueExact()))
                .orElse(OptionalInt.empty());
    }

    OptionalDouble optionalReal(String key) {
        return find(key)
                .map(value -> OptionalDouble.of(value.number().doubleValue()))
                .orElse(OptionalDouble.empty());
    }

    /** Empty where the key is absent. */
    List<Value> list(String key) {
        return find(key).map(Value::list).orElse(List.of());
    }

    List<String> texts(String key) {
        return list(key).stream().map(Value::text).toList();
    }
}
