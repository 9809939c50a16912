package dev.powersweep.orchestrator.spec;

import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.OptionalDouble;
import java.util.OptionalInt;
import java.util.OptionalLong;

/**
 * A checked section: every value is of its key's kind, absent keys hold their defaults.
 *
 * @param values by name of the key; keys without value or default are missing
 * @param document that the section belongs to
 */
record Settings(Place place, Map<String, Value> values, SpecDocument document) {

    /**
     * @param content {@link java.math.BigDecimal}, {@link String}, a list of values, or {@link Settings}
     * @param given whether the user wrote it
     */
    record Value(Place place, Object content, boolean given) {}

    /** The key's value. Throws {@link IllegalStateException} where it is neither given nor has a default. */
    <T> T get(SpecKey<T> key) {
        return find(key).orElseThrow(() -> new IllegalStateException("no default for " + path(key)));
    }

    <T> Optional<T> find(SpecKey<T> key) {
        return Optional.ofNullable(values.get(key.name())).map(key.kind()::bind);
    }

    OptionalInt findInt(SpecKey<Integer> key) {
        return find(key).map(OptionalInt::of).orElseGet(OptionalInt::empty);
    }

    OptionalLong findLong(SpecKey<Long> key) {
        return find(key).map(OptionalLong::of).orElseGet(OptionalLong::empty);
    }

    OptionalDouble findDouble(SpecKey<Double> key) {
        return find(key).map(OptionalDouble::of).orElseGet(OptionalDouble::empty);
    }

    /** Empty where the key is absent. */
    <T> List<T> list(SpecKey<List<T>> key) {
        return find(key).orElse(List.of());
    }

    /** Whether the user wrote it. */
    boolean given(SpecKey<?> key) {
        return values.containsKey(key.name()) && values.get(key.name()).given();
    }

    /** Where a section notes what only several keys together can get wrong. */
    Problems problems() {
        return document.problems();
    }

    /** The section of a key that holds one. */
    Settings nested(SpecKey<?> key) {
        return (Settings) values.get(key.name()).content();
    }

    /** Where the key's value stands, or its section where there is none. */
    Place place(SpecKey<?> key) {
        Value value = values.get(key.name());
        return value == null ? place.child(key.name()) : value.place();
    }

    String path(SpecKey<?> key) {
        return place.child(key.name()).path();
    }

    /** Notes that the key's value is wrong beside the others; the sentence begins with the path. */
    void wrong(SpecKey<?> key, String reason) {
        problems().sentence(place(key), path(key) + " " + reason);
    }

    /** Notes the key where it is given and has no meaning beside the others. */
    void refuse(SpecKey<?> key, String reason) {
        if (given(key)) {
            wrong(key, reason);
        }
    }

    /** Notes the key where it is missing and the others need it. */
    void need(SpecKey<?> key, String reason) {
        if (!values.containsKey(key.name())) {
            problems().sentence(place, path(key) + " is missing; " + reason);
        }
    }

    /** Notes that an entry of a mapping with names of the user's own is wrong. */
    void wrongEntry(SpecKey<? extends Map<String, ?>> key, String name, String reason) {
        Place entry = nested(key).values.get(name).place();
        problems().sentence(entry, entry.path() + " " + reason);
    }
}
