package dev.powersweep.orchestrator.spec;

import java.util.Optional;

/**
 * One key: its kind, its default and what it means, in one place for the reader, the schema and the reference page.
 *
 * @param defaultYaml what an absent key stands for, as YAML
 * @param absent what absence means where there is no such value
 * @param required whether absence is a problem
 */
record SpecKey(
        String name, ValueKind kind, Optional<String> defaultYaml, String absent, boolean required, String meaning) {

    static SpecKey required(String name, ValueKind kind, String meaning) {
        return new SpecKey(name, kind, Optional.empty(), "", true, meaning);
    }

    static SpecKey withDefault(String name, ValueKind kind, String defaultYaml, String meaning) {
        return new SpecKey(name, kind, Optional.of(defaultYaml), "", false, meaning);
    }

    static SpecKey optional(String name, ValueKind kind, String absent, String meaning) {
        return new SpecKey(name, kind, Optional.empty(), absent, false, meaning);
    }

    static SpecKey section(String name, ValueKind.Section kind, String meaning) {
        return new SpecKey(name, kind, Optional.of("{}"), "", false, meaning);
    }
}
