package dev.powersweep.orchestrator.spec;

import dev.powersweep.orchestrator.spec.Settings.Value;
import java.math.BigDecimal;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.function.Supplier;
import java.util.regex.Pattern;
import java.util.stream.Collectors;
import org.snakeyaml.engine.v2.nodes.MappingNode;
import org.snakeyaml.engine.v2.nodes.Node;
import org.snakeyaml.engine.v2.nodes.NodeTuple;
import org.snakeyaml.engine.v2.nodes.ScalarNode;
import org.snakeyaml.engine.v2.nodes.SequenceNode;
import org.snakeyaml.engine.v2.nodes.Tag;

/** Checks a YAML tree against the kinds of its keys; what is wrong goes to the problems, the rest into settings. */
final class SpecChecker {
    private final SpecDocument document;
    private final Problems problems;
    private boolean inDefaults;

    SpecChecker(SpecDocument document) {
        this.document = document;
        this.problems = document.problems();
    }

    /** Empty when the value is of another kind; the problem is noted then. */
    Optional<Value> check(ValueKind<?> kind, Node node, Place parent, String path) {
        Place place = SpecYaml.place(node, parent, path);
        if (kind instanceof ValueKind.Section<?> section) {
            return section(section, node, place);
        }
        if (kind instanceof ValueKind.Either<?> either) {
            return node instanceof MappingNode ? section(either.section(), node, place) : either(either, node, place);
        }
        if (kind instanceof ValueKind.Raw) {
            return Optional.of(new Value(place, node, !inDefaults));
        }
        if (kind instanceof ValueKind.Many<?> many) {
            return many(many, node, place);
        }
        if (kind instanceof ValueKind.Named<?> named) {
            return named(named, node, place);
        }
        return scalar(List.of(kind), kind::describe, node, place);
    }

    /** A scalar that is short for a key of the section is read as the mapping that it stands for. */
    private Optional<Value> either(ValueKind.Either<?> either, Node node, Place place) {
        List<? extends ValueKind<?>> kinds =
                either.scalars().stream().map(ValueKind.Either.Scalar::kind).toList();
        return scalar(kinds, either::describe, node, place).flatMap(value -> either.scalars().stream()
                .filter(scalar -> accepts(scalar.kind(), value))
                .findFirst()
                .flatMap(ValueKind.Either.Scalar::shortFor)
                .map(key -> section(either.section(), SpecYaml.mapping(key.name(), node), place))
                .orElse(Optional.of(value)));
    }

    private static boolean accepts(ValueKind<?> kind, Value value) {
        return kind instanceof ValueKind.Numeric
                ? value.content() instanceof BigDecimal
                : kind instanceof ValueKind.Choice<?> choice && choice.words().containsKey(value.content());
    }

    private Optional<Value> section(ValueKind.Section<?> section, Node node, Place place) {
        Map<String, Node> entries = entries(node, place, section.describe());
        Map<String, SpecKey<?>> known = new LinkedHashMap<>();
        section.keys().forEach(key -> known.put(key.name(), key));
        entries.forEach((name, value) -> {
            if (!known.containsKey(name)) {
                unknown(name, value, known, place);
            }
        });
        Map<String, Value> values = new LinkedHashMap<>();
        for (SpecKey<?> key : section.keys()) {
            Node given = entries.get(key.name());
            if (given != null) {
                check(key.kind(), given, place, place.child(key.name()).path())
                        .ifPresent(value -> values.put(key.name(), value));
            } else if (key.required()) {
                problems.sentence(
                        place,
                        place.child(key.name()).path() + " is missing; it must be "
                                + key.kind().describe());
            } else if (key.byDefault().isPresent()
                    && key.unless().stream().noneMatch(other -> entries.containsKey(other.name()))) {
                boolean outer = inDefaults;
                inDefaults = true;
                check(
                                key.kind(),
                                key.byDefault().get().tree(),
                                place,
                                place.child(key.name()).path())
                        .ifPresent(value -> values.put(key.name(), value));
                inDefaults = outer;
            }
        }
        checkGroups(section, entries, place);
        return Optional.of(new Value(place, new Settings(place, values, document), !inDefaults));
    }

    private void checkGroups(ValueKind.Section<?> section, Map<String, Node> entries, Place place) {
        for (List<String> group : section.exclusive()) {
            List<String> given = group.stream().filter(entries::containsKey).toList();
            if (given.size() > 1) {
                Place second = SpecYaml.place(
                        entries.get(given.get(1)),
                        place,
                        place.child(given.get(1)).path());
                problems.sentence(
                        second,
                        place.child(given.get(0)).path() + " and " + second.path()
                                + " exclude each other; keep one of them");
            }
        }
        for (List<String> group : section.needed()) {
            if (group.stream().noneMatch(entries::containsKey)) {
                problems.sentence(place, place.path() + " needs " + String.join(" or ", group));
            }
        }
    }

    private void unknown(String name, Node value, Map<String, SpecKey<?>> known, Place section) {
        Place place = SpecYaml.place(value, section, section.child(name).path());
        String sentence = "unknown key " + place.path();
        Optional<String> sibling = NearestName.to(name, known.keySet())
                .map(near -> section.child(near).path());
        Optional<String> elsewhere = SpecPaths.endingWith(name);
        problems.sentence(
                place,
                sibling.or(() -> elsewhere)
                        .map(near -> sentence + "; did you mean " + near + "?")
                        .orElse(sentence + "; known here: "
                                + known.keySet().stream().sorted().collect(Collectors.joining(", "))));
    }

    private Optional<Value> named(ValueKind.Named<?> named, Node node, Place place) {
        Map<String, Value> values = new LinkedHashMap<>();
        entries(node, place, named.describe()).forEach((name, entry) -> {
            if (!Pattern.matches(named.keyPattern(), name)) {
                problems.sentence(
                        SpecYaml.place(entry, place, place.path()),
                        place.path() + " has the name '" + name + "'; a name is " + named.keyDescription());
            }
            check(named.value(), entry, place, place.child(name).path()).ifPresent(value -> values.put(name, value));
        });
        return Optional.of(new Value(place, new Settings(place, values, document), !inDefaults));
    }

    private Optional<Value> many(ValueKind.Many<?> many, Node node, Place place) {
        if (!(node instanceof SequenceNode sequence)) {
            return check(many.item(), node, place, place.path())
                    .map(item -> new Value(place, List.of(item), !inDefaults));
        }
        if (sequence.getValue().isEmpty()) {
            problems.value(place, "[]", "a list with at least one entry");
            return Optional.empty();
        }
        List<Value> items = new ArrayList<>();
        int index = 0;
        for (Node item : sequence.getValue()) {
            check(many.item(), item, place, place.path() + "[" + index++ + "]").ifPresent(items::add);
        }
        return items.size() == index ? Optional.of(new Value(place, items, !inDefaults)) : Optional.empty();
    }

    private Optional<Value> scalar(
            List<? extends ValueKind<?>> kinds, Supplier<String> expected, Node node, Place place) {
        if (!(node instanceof ScalarNode scalar)) {
            problems.value(place, node instanceof SequenceNode ? "a list" : "a mapping", expected.get());
            return Optional.empty();
        }
        boolean verbatim =
                kinds.contains(ValueKind.Text.VERBATIM) && !scalar.getTag().equals(Tag.NULL);
        String text = verbatim ? scalar.getValue() : scalar.getValue().strip();
        if (verbatim && Pattern.matches(ValueKind.Text.VERBATIM.pattern(), text)) {
            return Optional.of(new Value(place, text, !inDefaults));
        }
        if (text.isEmpty() || scalar.getTag().equals(Tag.NULL)) {
            problems.sentence(place, place.path() + " has no value; it must be " + expected.get());
            return Optional.empty();
        }
        for (ValueKind<?> kind : kinds) {
            if (kind instanceof ValueKind.Numeric<?> numeric) {
                Optional<BigDecimal> number = numeric.parse(text);
                if (number.isPresent()) {
                    if (numeric.admits(number.get())) {
                        return Optional.of(new Value(place, number.get(), !inDefaults));
                    }
                    boolean fraction =
                            numeric.whole() && number.get().stripTrailingZeros().scale() > 0;
                    problems.value(place, text, fraction ? "a whole number " + numeric.bounds() : numeric.bounds());
                    return Optional.empty();
                }
            } else if (kind instanceof ValueKind.Choice<?> choice) {
                if (choice.words().containsKey(text)) {
                    return Optional.of(new Value(place, text, !inDefaults));
                }
            } else if (kind instanceof ValueKind.Text<?> words
                    && Pattern.compile(words.pattern(), Pattern.DOTALL)
                            .matcher(text)
                            .matches()) {
                return Optional.of(new Value(place, text, !inDefaults));
            }
        }
        boolean tooFar = SizeNotation.tooFar(text) && kinds.stream().anyMatch(ValueKind.Numeric.class::isInstance);
        problems.value(place, text, expected.get() + (tooFar ? ", and between 1e-30 and 1e30 in size" : ""));
        return Optional.empty();
    }

    private Map<String, Node> entries(Node node, Place place, String expected) {
        Map<String, Node> entries = new LinkedHashMap<>();
        if (node instanceof MappingNode mapping) {
            for (NodeTuple tuple : mapping.getValue()) {
                if (!(tuple.getKeyNode() instanceof ScalarNode key)) {
                    problems.sentence(
                            SpecYaml.place(tuple.getKeyNode(), place, place.path()),
                            "a key of " + (place.path().isEmpty() ? "the specification" : place.path())
                                    + " is not plain text");
                } else if (entries.putIfAbsent(key.getValue(), tuple.getValueNode()) != null) {
                    problems.sentence(
                            SpecYaml.place(key, place, place.path()),
                            place.child(key.getValue()).path() + " is given twice");
                }
            }
        } else if (!(node instanceof ScalarNode scalar && scalar.getTag().equals(Tag.NULL))) {
            String value = node instanceof ScalarNode scalar ? scalar.getValue() : "a list";
            if (place.path().isEmpty()) {
                problems.sentence(place, "the specification must be a mapping of keys such as grid, corpus, training");
            } else {
                problems.value(place, value, expected);
            }
        }
        return entries;
    }
}
