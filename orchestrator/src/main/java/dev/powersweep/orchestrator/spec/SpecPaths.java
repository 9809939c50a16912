package dev.powersweep.orchestrator.spec;

import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import java.util.function.BiConsumer;

/** Walks the table of keys. */
final class SpecPaths {
    private SpecPaths() {}

    /** Every key with its path, parents first; {@code []} marks what is inside a list. */
    static void forEach(BiConsumer<String, SpecKey<?>> visitor) {
        walk(SpecKeys.ROOT, "", visitor);
    }

    /** The path of the one key with this name, wherever it is; empty where there is none or more than one. */
    static Optional<String> endingWith(String name) {
        List<String> found = new ArrayList<>();
        forEach((path, key) -> {
            if (key.name().equalsIgnoreCase(name) && !path.contains("[]")) {
                found.add(path);
            }
        });
        return found.size() == 1 ? Optional.of(found.get(0)) : Optional.empty();
    }

    private static void walk(ValueKind.Section<?> section, String prefix, BiConsumer<String, SpecKey<?>> visitor) {
        for (SpecKey<?> key : section.keys()) {
            String path = prefix + key.name();
            visitor.accept(path, key);
            inner(key.kind(), path, visitor);
        }
    }

    private static void inner(ValueKind<?> kind, String path, BiConsumer<String, SpecKey<?>> visitor) {
        if (kind instanceof ValueKind.Section<?> section) {
            walk(section, path + ".", visitor);
        } else if (kind instanceof ValueKind.Either<?> either) {
            walk(either.section(), path + ".", visitor);
        } else if (kind instanceof ValueKind.Many<?> many) {
            inner(many.item(), path + "[]", visitor);
        } else if (kind instanceof ValueKind.Named<?> named) {
            inner(named.value(), path + ".NAME", visitor);
        }
    }
}
