package dev.powersweep.orchestrator.cli;

import static org.assertj.core.api.Assertions.assertThat;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import com.fasterxml.jackson.databind.node.ObjectNode;
import com.networknt.schema.JsonSchema;
import com.networknt.schema.JsonSchemaFactory;
import com.networknt.schema.SpecVersion;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Set;
import java.util.TreeSet;
import java.util.stream.Stream;

/**
 * A schema of docs/schemas, held against what a command wrote: neither says more than the other. An output of another shape is
 * refused, and so is a schema that names what no output has, or calls optional what every output has.
 */
public final class OutputSchema {
    private static final Path FOLDER = Path.of("../docs/schemas");

    private final String name;
    private final JsonNode schema;
    private final JsonSchema validator;
    private final Set<String> written = new TreeSet<>();
    private final Set<String> absent = new TreeSet<>();
    private final Set<String> spoilt = new TreeSet<>();

    private OutputSchema(String name, JsonNode schema) {
        this.name = name;
        this.schema = schema;
        this.validator =
                JsonSchemaFactory.getInstance(SpecVersion.VersionFlag.V202012).getSchema(schema);
    }

    /** Of docs/schemas/NAME.json. */
    public static OutputSchema of(String name) throws IOException {
        return new OutputSchema(
                name, new ObjectMapper().readTree(FOLDER.resolve(name + ".json").toFile()));
    }

    /** Names of all that are published. */
    static Set<String> names() throws IOException {
        try (Stream<Path> files = Files.list(FOLDER)) {
            Set<String> names = new TreeSet<>();
            files.map(file -> file.getFileName().toString()).forEach(file -> {
                assertThat(file).endsWith(".json");
                names.add(file.substring(0, file.length() - ".json".length()));
            });
            return names;
        }
    }

    String title() {
        return schema.path("title").asText();
    }

    JsonNode json() {
        return schema;
    }

    /**
     * Fails where this is no output that the schema describes, or where the schema would describe it as well with a further
     * property or without a required one.
     */
    public OutputSchema accepts(String output) throws IOException {
        JsonNode json = new ObjectMapper().readTree(output);
        assertThat(validator.validate(json))
                .as("%s.json against %s", name, output)
                .isEmpty();
        note(schema, "#", json, json);
        return this;
    }

    /** Fails where the schema names a property that none of the accepted outputs has, or that none of them lacks. */
    public void isNoLooserThanItsOutputs() {
        Set<String> named = new TreeSet<>();
        List<String> optional = new ArrayList<>();
        properties((at, node) -> node.path("properties").fieldNames().forEachRemaining(property -> {
            named.add(at + "/" + property);
            if (!names(node.path("required")).contains(property)) {
                optional.add(at + "/" + property);
            }
        }));
        assertThat(written).as("%s.json: what some output has", name).isEqualTo(named);
        assertThat(absent).as("%s.json: what some output lacks", name).containsAll(optional);
    }

    /** A place in the schema with its node. */
    @FunctionalInterface
    interface Place {
        void at(String place, JsonNode node);
    }

    /** Every schema of an object. */
    void properties(Place visitor) {
        visit(schema, "#", visitor);
        schema.path("$defs")
                .properties()
                .forEach(entry -> visit(entry.getValue(), "#/$defs/" + entry.getKey(), visitor));
    }

    private static void visit(JsonNode node, String place, Place visitor) {
        if (node.has("properties")) {
            visitor.at(place, node);
        }
        node.properties().forEach(entry -> {
            JsonNode value = entry.getValue();
            switch (entry.getKey()) {
                case "properties" ->
                    value.properties().forEach(each -> visit(each.getValue(), place + "/" + each.getKey(), visitor));
                case "patternProperties" -> value.forEach(each -> visit(each, place + "/*", visitor));
                case "additionalProperties" -> visit(value, place + "/*", visitor);
                case "items" -> visit(value, place + "/-", visitor);
                default -> {}
            }
        });
    }

    private void note(JsonNode node, String place, JsonNode value, JsonNode root) {
        if (node.has("$ref")) {
            String target = node.get("$ref").asText();
            note(schema.at(target.substring(1)), target, value, root);
            return;
        }
        for (JsonNode branch : node.path("oneOf")) {
            if (branch.has("$ref")) {
                JsonNode target = schema.at(branch.get("$ref").asText().substring(1));
                if (names(target.path("required")).stream().allMatch(value::has)) {
                    note(branch, place, value, root);
                }
            }
        }
        if (value.isArray()) {
            value.forEach(each -> note(node.path("items"), place + "/-", each, root));
        }
        if (!(value instanceof ObjectNode object)) {
            return;
        }
        JsonNode properties = node.path("properties");
        if (!properties.isEmpty() && spoilt.add(place)) {
            spoil(object, names(node.path("required")), place, root);
        }
        properties.fieldNames().forEachRemaining(property -> (value.has(property) ? written : absent)
                .add(place + "/" + property));
        value.properties().forEach(entry -> {
            if (properties.has(entry.getKey())) {
                note(properties.get(entry.getKey()), place + "/" + entry.getKey(), entry.getValue(), root);
            } else {
                note(node.path("additionalProperties"), place + "/*", entry.getValue(), root);
            }
        });
    }

    /** A renamed property is one that lacks and one that is too many. */
    private void spoil(ObjectNode object, Set<String> required, String place, JsonNode root) {
        object.put("unheardOf", 1);
        assertThat(validator.validate(root))
                .as("%s.json with more at %s", name, place)
                .isNotEmpty();
        object.remove("unheardOf");
        for (String property : required) {
            JsonNode value = object.remove(property);
            assertThat(validator.validate(root))
                    .as("%s.json without %s at %s", name, property, place)
                    .isNotEmpty();
            object.set(property, value);
        }
    }

    private static Set<String> names(JsonNode array) {
        Set<String> names = new TreeSet<>();
        array.forEach(each -> names.add(each.asText()));
        return names;
    }
}
