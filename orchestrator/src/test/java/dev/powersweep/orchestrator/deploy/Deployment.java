package dev.powersweep.orchestrator.deploy;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import com.fasterxml.jackson.databind.node.ArrayNode;
import com.fasterxml.jackson.databind.node.ObjectNode;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.function.Consumer;
import java.util.stream.Stream;
import org.snakeyaml.engine.v2.api.Load;
import org.snakeyaml.engine.v2.api.LoadSettings;

/** The repository's deployment files, as its tests read them. */
final class Deployment {
    static final ObjectMapper JSON = new ObjectMapper();
    /** The root of the source tree; Surefire runs in the module's own directory. */
    static final Path ROOT =
            Path.of(System.getProperty("basedir", ".")).resolve("..").normalize();

    private Deployment() {}

    static String text(Path file) {
        try {
            return Files.readString(file, StandardCharsets.UTF_8);
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
    }

    /** The documents of a YAML file; a duplicate key is an error. */
    static List<JsonNode> documents(String yaml) {
        List<JsonNode> documents = new ArrayList<>();
        LoadSettings settings =
                LoadSettings.builder().setAllowDuplicateKeys(false).build();
        new Load(settings)
                .loadAllFromString(yaml)
                .forEach(document -> documents.add(merged(JSON.valueToTree(document))));
        return documents;
    }

    /** YAML's merge key, which Docker Compose knows and YAML 1.2 does not. */
    private static JsonNode merged(JsonNode node) {
        if (node instanceof ObjectNode object) {
            ObjectNode result = JSON.createObjectNode();
            merged(object.path("<<")).fields().forEachRemaining(field -> result.set(field.getKey(), field.getValue()));
            object.fields().forEachRemaining(field -> {
                if (!field.getKey().equals("<<")) {
                    result.set(field.getKey(), merged(field.getValue()));
                }
            });
            return result;
        }
        if (node instanceof ArrayNode array) {
            ArrayNode result = JSON.createArrayNode();
            array.forEach(item -> result.add(merged(item)));
            return result;
        }
        return node;
    }

    static List<Path> files(Path directory, String suffix) {
        try (Stream<Path> walk = Files.walk(directory)) {
            return walk.filter(file -> file.toString().endsWith(suffix) && Files.isRegularFile(file))
                    .sorted()
                    .toList();
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
    }

    /** Settings of a Spark properties file whose names and values are parted by blanks. */
    static Map<String, String> settings(Path file) {
        Map<String, String> settings = new LinkedHashMap<>();
        text(file)
                .lines()
                .filter(line -> !line.isBlank() && !line.startsWith("#"))
                .forEach(line -> {
                    String[] pair = line.strip().split("\\s+", 2);
                    String before = settings.put(pair[0], pair.length == 2 ? pair[1] : "");
                    if (before != null) {
                        throw new IllegalArgumentException(file + " sets " + pair[0] + " twice");
                    }
                });
        return settings;
    }

    /** Calls {@code visitor} with a node and everything below it. */
    static void walk(JsonNode node, Consumer<JsonNode> visitor) {
        visitor.accept(node);
        node.forEach(child -> walk(child, visitor));
    }

    static JsonNode schema(String name) {
        try (var in = Deployment.class.getResourceAsStream("/deploy-schemas/" + name)) {
            if (in == null) {
                throw new IllegalStateException("no schema " + name + " among the test resources");
            }
            return JSON.readTree(in);
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
    }
}
