package dev.powersweep.orchestrator.deploy;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.node.ArrayNode;
import com.fasterxml.jackson.databind.node.ObjectNode;
import com.networknt.schema.JsonSchema;
import com.networknt.schema.JsonSchemaFactory;
import com.networknt.schema.SpecVersion;
import com.networknt.schema.ValidationMessage;
import java.util.HashMap;
import java.util.Iterator;
import java.util.List;
import java.util.Map;

/** The published schemas of Kubernetes and of both Spark operators, with unknown fields refused. */
final class ManifestSchemas {
    /** A whole object, or a piece of one that Kustomize merges into another. */
    enum Extent {
        WHOLE,
        PATCH
    }

    private static final JsonSchemaFactory FACTORY = JsonSchemaFactory.getInstance(SpecVersion.VersionFlag.V202012);

    private final Map<String, JsonNode> schemas = new HashMap<>();
    private final Map<String, JsonSchema> compiled = new HashMap<>();

    ManifestSchemas() {
        ObjectNode kubernetes = (ObjectNode) Deployment.schema("kubernetes.json");
        kubernetes.get("kinds").fields().forEachRemaining(kind -> {
            ObjectNode schema = Deployment.JSON.createObjectNode();
            schema.put("$ref", "#/definitions/" + kind.getValue().asText());
            schema.set("definitions", kubernetes.get("definitions"));
            schemas.put(kind.getKey(), schema);
        });
        for (String operator : List.of("kubeflow", "apache")) {
            JsonNode resource = Deployment.schema("sparkapplication-" + operator + ".json");
            ObjectNode schema = (ObjectNode) resource.get("schema");
            // Kubeflow's definition takes anything for a pod template and hands it to Spark as it is.
            for (String role : List.of("driver", "executor")) {
                JsonNode fields = schema.at("/properties/spec/properties/" + role + "/properties");
                if (fields.has("template")) {
                    ((ObjectNode) fields)
                            .putObject("template")
                            .put("$ref", "#/definitions/io.k8s.api.core.v1.PodTemplateSpec");
                }
            }
            schema.set("definitions", kubernetes.get("definitions"));
            schemas.put(resource.get("apiVersion").asText() + "/SparkApplication", schema);
        }
    }

    /** What is wrong with a manifest, one sentence each; empty when nothing is. */
    List<String> problems(JsonNode manifest, Extent extent) {
        String kind = manifest.path("apiVersion").asText() + "/"
                + manifest.path("kind").asText();
        JsonNode schema = schemas.get(kind);
        if (schema == null) {
            return List.of("no schema for " + kind);
        }
        JsonNode checked = manifest.deepCopy();
        if (extent == Extent.PATCH) {
            removeDirectives(checked);
        }
        JsonSchema validator = compiled.computeIfAbsent(
                kind + " " + extent,
                ignored -> FACTORY.getSchema(extent == Extent.PATCH ? withoutRequired(schema.deepCopy()) : schema));
        return validator.validate(checked).stream()
                .map(ValidationMessage::getMessage)
                .toList();
    }

    private static JsonNode withoutRequired(JsonNode schema) {
        Deployment.walk(schema, node -> {
            // A property may itself be called "required"; the keyword holds an array.
            if (node.path("required").isArray()) {
                ((ObjectNode) node).remove("required");
            }
        });
        return schema;
    }

    private static void removeDirectives(JsonNode node) {
        if (node instanceof ObjectNode object) {
            object.remove("$patch");
            object.elements().forEachRemaining(ManifestSchemas::removeDirectives);
        } else if (node instanceof ArrayNode array) {
            for (Iterator<JsonNode> items = array.elements(); items.hasNext(); ) {
                removeDirectives(items.next());
            }
        }
    }
}
