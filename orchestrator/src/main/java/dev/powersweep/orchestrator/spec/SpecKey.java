package dev.powersweep.orchestrator.spec;

import java.util.List;
import java.util.Optional;
import java.util.stream.Collectors;
import org.snakeyaml.engine.v2.nodes.Node;

/**
 * One key of the specification: name, kind, default and meaning stand here and nowhere else; the reader, the JSON Schema
 * and the reference page are made from it.
 *
 * @param kind what it may hold, and the Java value that becomes of it
 * @param byDefault what an absent key stands for
 * @param unless keys beside it that put the default out of force
 * @param absent what absence means where there is no such value
 * @param required whether absence is a problem
 * @param meaning one or two sentences
 */
record SpecKey<T>(
        String name,
        ValueKind<T> kind,
        Optional<DefaultValue> byDefault,
        List<SpecKey<?>> unless,
        String absent,
        boolean required,
        String meaning) {

    /**
     * YAML of the key's kind, and its tree, which every reader shares.
     *
     * @param tree never changed
     */
    record DefaultValue(String yaml, Node tree) {
        static DefaultValue of(String yaml) {
            return new DefaultValue(yaml, SpecYaml.value(yaml));
        }
    }

    /** Its absence is a problem. */
    static <T> SpecKey<T> required(String name, ValueKind<T> kind, String meaning) {
        return new SpecKey<>(name, kind, Optional.empty(), List.of(), "", true, meaning);
    }

    /** Where it is absent it holds the default. */
    static <T> SpecKey<T> withDefault(String name, ValueKind<T> kind, String defaultYaml, String meaning) {
        return new SpecKey<>(name, kind, Optional.of(DefaultValue.of(defaultYaml)), List.of(), "", false, meaning);
    }

    /** It may be absent, with a meaning of its own. */
    static <T> SpecKey<T> optional(String name, ValueKind<T> kind, String absent, String meaning) {
        return new SpecKey<>(name, kind, Optional.empty(), List.of(), absent, false, meaning);
    }

    /** A mapping whose keys all have defaults. */
    static <T> SpecKey<T> section(String name, ValueKind<T> kind, String meaning) {
        return withDefault(name, kind, "{}", meaning);
    }

    /** The same, without its default where one of the others is given. */
    SpecKey<T> unless(SpecKey<?>... others) {
        return new SpecKey<>(name, kind, byDefault, List.of(others), absent, required, meaning);
    }

    /** The default in words, for the reference page. */
    String defaultInWords() {
        if (required) {
            return "required";
        }
        if (byDefault.isEmpty()) {
            return absent;
        }
        String yaml = byDefault.get().yaml();
        String value = yaml.equals("{}") ? "its keys' defaults" : "`" + yaml + "`";
        return unless.isEmpty()
                ? value
                : value + ", unless "
                        + unless.stream().map(key -> "`" + key.name + "`").collect(Collectors.joining(" or "))
                        + " is given";
    }
}
