package dev.powersweep.orchestrator.spec;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import com.fasterxml.jackson.databind.node.ArrayNode;
import com.fasterxml.jackson.databind.node.ObjectNode;
import com.fasterxml.jackson.databind.node.TextNode;
import com.networknt.schema.JsonSchema;
import com.networknt.schema.JsonSchemaFactory;
import com.networknt.schema.SpecVersion;
import dev.powersweep.orchestrator.storage.UserError;
import java.io.IOException;
import java.io.InputStream;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.stream.Stream;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.MethodSource;
import org.snakeyaml.engine.v2.api.Load;
import org.snakeyaml.engine.v2.api.LoadSettings;

/** The published schema and the reader accept the same examples and refuse the same mistakes. */
class SchemaAgreementTest {
    private static final JsonSchema SCHEMA = schema();

    private static JsonSchema schema() {
        try (InputStream file = SpecKeys.class.getResourceAsStream("sweep.schema.json")) {
            return JsonSchemaFactory.getInstance(SpecVersion.VersionFlag.V202012)
                    .getSchema(file);
        } catch (IOException e) {
            throw new IllegalStateException(e);
        }
    }

    static List<Path> examples() throws IOException {
        try (Stream<Path> files = Files.list(Path.of("../examples"))) {
            return files.filter(file -> file.toString().endsWith(".yaml"))
                    .sorted()
                    .toList();
        }
    }

    static List<String> broken() throws IOException {
        return lines("broken.txt");
    }

    static List<String> sound() throws IOException {
        return lines("sound.txt");
    }

    private static List<String> lines(String resource) throws IOException {
        try (InputStream file = SchemaAgreementTest.class.getResourceAsStream(resource)) {
            return new String(file.readAllBytes(), StandardCharsets.UTF_8)
                    .lines()
                    .filter(line -> !line.isBlank() && !line.startsWith("#"))
                    .toList();
        }
    }

    @ParameterizedTest
    @MethodSource("examples")
    void examplesPassBoth(Path example) throws IOException {
        String text = Files.readString(example);
        assertThat(SCHEMA.validate(json(text))).isEmpty();
        assertThat(SweepSpecReader.read(text, example.toString(), List.of()).name())
                .isNotEmpty();
    }

    @ParameterizedTest
    @MethodSource("sound")
    void soundSpecificationsPassBoth(String text) {
        assertThat(SCHEMA.validate(json(text))).isEmpty();
        GridSpec grid = SweepSpecReader.read(text, "sweep.yaml", List.of()).grid();
        assertThat(grid.parts().isEmpty()).isEqualTo(grid.undesigned());
    }

    /** Quotes around a number are a matter of style: {@code context: "32"} is {@code context: 32} for every key. */
    @ParameterizedTest
    @MethodSource({"sound", "exampleTexts"})
    void quotedNumbersAreNumbersForBoth(String text) {
        String quoted = quoted(json(text)).toString();
        assertThat(SCHEMA.validate(json(quoted))).isEmpty();
        assertThat(SweepSpecReader.read(quoted, "sweep.yaml", List.of()))
                .usingRecursiveComparison()
                .ignoringFields("text", "grid.text")
                .isEqualTo(SweepSpecReader.read(text, "sweep.yaml", List.of()));
    }

    static List<String> exampleTexts() throws IOException {
        List<String> texts = new ArrayList<>();
        for (Path example : examples()) {
            texts.add(Files.readString(example));
        }
        return texts;
    }

    private static JsonNode quoted(JsonNode node) {
        if (node.isNumber()) {
            return TextNode.valueOf(node.asText());
        }
        if (node instanceof ArrayNode array) {
            for (int i = 0; i < array.size(); i++) {
                array.set(i, quoted(array.get(i)));
            }
        } else if (node instanceof ObjectNode object) {
            object.properties().forEach(entry -> entry.setValue(quoted(entry.getValue())));
        }
        return node;
    }

    @ParameterizedTest
    @MethodSource("broken")
    void brokenSpecificationsFailBoth(String text) {
        assertThat(SCHEMA.validate(json(text))).isNotEmpty();
        assertThatThrownBy(() -> SweepSpecReader.read(text, "sweep.yaml", List.of()))
                .isInstanceOf(UserError.class);
    }

    private static JsonNode json(String yaml) {
        return new ObjectMapper().valueToTree(new Load(LoadSettings.builder().build()).loadFromString(yaml));
    }
}
