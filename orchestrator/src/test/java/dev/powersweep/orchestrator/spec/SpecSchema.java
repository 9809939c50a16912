package dev.powersweep.orchestrator.spec;

import com.fasterxml.jackson.core.JsonProcessingException;
import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import com.fasterxml.jackson.databind.node.ArrayNode;
import com.fasterxml.jackson.databind.node.ObjectNode;
import java.util.List;

/** Writes the table of keys as JSON Schema. */
final class SpecSchema {
    private static final ObjectMapper JSON = new ObjectMapper();

    private SpecSchema() {}

    static String json() {
        ObjectNode schema = JSON.createObjectNode();
        schema.put("$schema", "https://json-schema.org/draft/2020-12/schema");
        schema.put("title", "PowerSweep sweep specification");
        schema.setAll((ObjectNode) kind(SpecKeys.ROOT));
        try {
            return JSON.writerWithDefaultPrettyPrinter().writeValueAsString(schema) + "\n";
        } catch (JsonProcessingException e) {
            throw new IllegalStateException(e);
        }
    }

    private static JsonNode kind(ValueKind<?> kind) {
        ObjectNode node = JSON.createObjectNode();
        if (kind instanceof ValueKind.Numeric<?> numeric) {
            return numeric(numeric);
        } else if (kind instanceof ValueKind.Text<?> text) {
            node.set("type", JSON.valueToTree(List.of("string", "number", "boolean")));
            node.put("pattern", "^(" + text.pattern() + ")$");
        } else if (kind instanceof ValueKind.Choice<?> choice) {
            node.set("enum", JSON.valueToTree(choice.words().keySet()));
        } else if (kind instanceof ValueKind.Many<?> many) {
            ArrayNode forms = node.putArray("anyOf");
            forms.add(kind(many.item()));
            forms.addObject().put("type", "array").put("minItems", 1).set("items", kind(many.item()));
        } else if (kind instanceof ValueKind.Named<?> named) {
            node.put("type", "object").put("additionalProperties", false);
            node.putObject("patternProperties").set("^(" + named.keyPattern() + ")$", kind(named.value()));
        } else if (kind instanceof ValueKind.Either<?> either) {
            ArrayNode forms = node.putArray("anyOf");
            either.scalars().forEach(scalar -> forms.add(kind(scalar.kind())));
            forms.add(kind(either.section()));
        } else if (kind instanceof ValueKind.Section<?> section) {
            return section(section);
        }
        return node;
    }

    private static JsonNode section(ValueKind.Section<?> section) {
        ObjectNode node = JSON.createObjectNode();
        node.put("type", "object").put("additionalProperties", false);
        ObjectNode properties = node.putObject("properties");
        ArrayNode required = JSON.createArrayNode();
        for (SpecKey<?> key : section.keys()) {
            ObjectNode property = properties.putObject(key.name());
            property.put("description", key.meaning());
            key.byDefault()
                    .map(SpecKey.DefaultValue::yaml)
                    .filter(text -> !text.equals("{}"))
                    .ifPresent(text -> property.put("default", text));
            property.setAll((ObjectNode) kind(key.kind()));
            if (key.required()) {
                required.add(key.name());
            }
        }
        if (!required.isEmpty()) {
            node.set("required", required);
        }
        ArrayNode rules = JSON.createArrayNode();
        for (List<String> group : section.exclusive()) {
            for (int i = 0; i < group.size(); i++) {
                for (int j = i + 1; j < group.size(); j++) {
                    rules.addObject()
                            .putObject("not")
                            .set("required", JSON.valueToTree(List.of(group.get(i), group.get(j))));
                }
            }
        }
        for (List<String> group : section.needed()) {
            ArrayNode any = rules.addObject().putArray("anyOf");
            group.forEach(name -> any.addObject().set("required", JSON.valueToTree(List.of(name))));
        }
        if (!rules.isEmpty()) {
            node.set("allOf", rules);
        }
        return node;
    }

    private static JsonNode numeric(ValueKind.Numeric<?> numeric) {
        ObjectNode node = JSON.createObjectNode();
        ArrayNode forms = node.putArray("anyOf");
        ObjectNode number = forms.addObject().put("type", numeric.whole() ? "integer" : "number");
        numeric.lower()
                .ifPresent(bound -> number.put(bound.inclusive() ? "minimum" : "exclusiveMinimum", bound.value()));
        numeric.upper()
                .ifPresent(bound -> number.put(bound.inclusive() ? "maximum" : "exclusiveMaximum", bound.value()));
        String pattern =
                switch (numeric.notation()) {
                    case PLAIN ->
                        numeric.lower()
                                        .filter(bound -> bound.value().signum() >= 0)
                                        .isPresent()
                                ? SizeNotation.PLAIN_PATTERN.substring("-?".length())
                                : SizeNotation.PLAIN_PATTERN;
                    case SIZE -> SizeNotation.SIZE_PATTERN;
                    case BYTES -> SizeNotation.BYTES_PATTERN;
                };
        forms.addObject().put("type", "string").put("pattern", "^(" + pattern + ")$");
        return node;
    }
}
