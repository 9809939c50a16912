package dev.powersweep.orchestrator.deploy;

import com.fasterxml.jackson.core.JsonPointer;
import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.node.ArrayNode;
import com.fasterxml.jackson.databind.node.ObjectNode;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.Set;

/**
 * What {@code kubectl kustomize} makes of a directory, as far as this repository uses it: resources, components, a
 * namespace, labels, strategic merge patches and JSON patches (RFC 6902). Whatever else a kustomization asks for is an
 * error, so that nothing is left out silently; where there is a kubectl, a test compares the two.
 */
final class Kustomize {
    private static final Set<String> KNOWN =
            Set.of("apiVersion", "kind", "resources", "components", "namespace", "labels", "patches");
    /** By what items of a list are told apart when a built-in object is patched; other lists are replaced. */
    private static final Map<String, String> MERGE_KEYS = Map.of(
            "containers", "name",
            "initContainers", "name",
            "env", "name",
            "volumes", "name",
            "volumeMounts", "mountPath",
            "ports", "containerPort");

    private Kustomize() {}

    /** The objects of a directory with a {@code kustomization.yaml}. */
    static List<ObjectNode> render(Path directory) {
        List<ObjectNode> objects = new ArrayList<>();
        apply(directory, "Kustomization", objects);
        return objects;
    }

    private static void apply(Path directory, String kind, List<ObjectNode> objects) {
        Path file = directory.resolve("kustomization.yaml");
        JsonNode kustomization = Deployment.documents(Deployment.text(file)).get(0);
        require(kustomization.path("kind").asText().equals(kind), file + " is no " + kind);
        kustomization
                .fieldNames()
                .forEachRemaining(name -> require(KNOWN.contains(name), file + ": this test knows no " + name));
        for (JsonNode resource : kustomization.path("resources")) {
            Path path = directory.resolve(resource.asText()).normalize();
            List<ObjectNode> added = new ArrayList<>();
            if (Files.isDirectory(path)) {
                apply(path, "Kustomization", added);
            } else {
                Deployment.documents(Deployment.text(path)).forEach(document -> added.add((ObjectNode) document));
            }
            for (ObjectNode object : added) {
                require(find(objects, object) == null, file + ": " + id(object) + " is there twice");
                objects.add(object);
            }
        }
        for (JsonNode component : kustomization.path("components")) {
            apply(directory.resolve(component.asText()).normalize(), "Component", objects);
        }
        for (JsonNode patch : kustomization.path("patches")) {
            for (JsonNode document : Deployment.documents(
                    Deployment.text(directory.resolve(patch.path("path").asText())))) {
                patch(objects, document, patch.path("target"), file);
            }
        }
        if (kustomization.has("namespace")) {
            for (ObjectNode object : objects) {
                String field = object.path("kind").asText().equals("Namespace") ? "name" : "namespace";
                ((ObjectNode) object.get("metadata"))
                        .put(field, kustomization.get("namespace").asText());
            }
        }
        for (JsonNode labels : kustomization.path("labels")) {
            require(!labels.path("includeSelectors").asBoolean(), file + ": selectors stay as they are");
            for (ObjectNode object : objects) {
                ObjectNode held = ((ObjectNode) object.get("metadata")).withObjectProperty("labels");
                labels.path("pairs").fields().forEachRemaining(pair -> held.set(pair.getKey(), pair.getValue()));
            }
        }
    }

    private static void patch(List<ObjectNode> objects, JsonNode patch, JsonNode target, Path file) {
        if (patch.isArray()) {
            for (ObjectNode object : objects) {
                if (selected(object, target)) {
                    patch.forEach(operation -> operation(object, operation));
                }
            }
            return;
        }
        ObjectNode patched = find(objects, patch);
        require(patched != null, file + ": nothing to patch by " + id(patch));
        if (patch.path("$patch").asText().equals("delete")) {
            objects.remove(patched);
            return;
        }
        // Kustomize knows how to merge lists of Kubernetes' own kinds alone.
        boolean builtIn = !patch.path("kind").asText().equals("SparkApplication");
        merge(patched, (ObjectNode) patch, builtIn);
    }

    private static boolean selected(JsonNode object, JsonNode target) {
        String apiVersion = object.path("apiVersion").asText();
        String group = apiVersion.contains("/") ? apiVersion.substring(0, apiVersion.indexOf('/')) : "";
        return (!target.has("group") || target.path("group").asText().equals(group))
                && (!target.has("kind") || target.path("kind").equals(object.path("kind")));
    }

    private static void merge(ObjectNode into, ObjectNode patch, boolean builtIn) {
        patch.fields().forEachRemaining(field -> {
            String name = field.getKey();
            JsonNode value = field.getValue();
            JsonNode held = into.get(name);
            if (value.isNull()) {
                into.remove(name);
            } else if (value.isObject() && held instanceof ObjectNode inner) {
                merge(inner, (ObjectNode) value, builtIn);
            } else if (value.isArray() && held instanceof ArrayNode list && builtIn && MERGE_KEYS.containsKey(name)) {
                into.set(name, mergeLists(list, value, MERGE_KEYS.get(name)));
            } else {
                into.set(name, value.deepCopy());
            }
        });
    }

    /** Items of the patch come first, as Kustomize has it. */
    private static ArrayNode mergeLists(ArrayNode held, JsonNode patch, String key) {
        List<JsonNode> rest = new ArrayList<>();
        held.forEach(rest::add);
        ArrayNode list = held.arrayNode();
        for (JsonNode item : patch) {
            require(item.has(key), "an item of a patch has no " + key + ": " + item);
            JsonNode same = rest.stream()
                    .filter(each -> each.path(key).equals(item.path(key)))
                    .findFirst()
                    .orElse(null);
            rest.remove(same);
            if (item.path("$patch").asText().equals("delete")) {
                require(same != null, "nothing to delete by " + item);
            } else if (same == null) {
                list.add(item.deepCopy());
            } else {
                merge((ObjectNode) same, (ObjectNode) item, true);
                list.add(same);
            }
        }
        rest.forEach(list::add);
        return list;
    }

    private static void operation(ObjectNode object, JsonNode operation) {
        JsonPointer path = JsonPointer.compile(operation.path("path").asText());
        JsonNode parent = object.at(path.head());
        String last = path.last().getMatchingProperty();
        JsonNode held = object.at(path);
        JsonNode value = operation.path("value");
        require(parent.isContainerNode(), "no place for " + operation);
        switch (operation.path("op").asText()) {
            case "test" -> require(held.equals(value), operation + " fails: it is " + held);
            case "replace" -> {
                require(!held.isMissingNode(), "nothing to replace by " + operation);
                set(parent, last, value.deepCopy());
            }
            case "remove" -> {
                require(!held.isMissingNode(), "nothing to remove by " + operation);
                if (parent instanceof ObjectNode fields) {
                    fields.remove(last);
                } else {
                    ((ArrayNode) parent).remove(Integer.parseInt(last));
                }
            }
            case "add" -> {
                require(parent.isObject(), "this test adds no items to lists: " + operation);
                set(parent, last, value.deepCopy());
            }
            default -> throw new IllegalArgumentException("unknown operation: " + operation);
        }
    }

    private static void set(JsonNode parent, String name, JsonNode value) {
        if (parent instanceof ObjectNode fields) {
            fields.set(name, value);
        } else {
            ((ArrayNode) parent).set(Integer.parseInt(name), value);
        }
    }

    private static ObjectNode find(List<ObjectNode> objects, JsonNode like) {
        return objects.stream()
                .filter(object -> id(object).equals(id(like)))
                .findFirst()
                .orElse(null);
    }

    private static String id(JsonNode object) {
        return String.join(
                " ",
                object.path("apiVersion").asText(),
                object.path("kind").asText(),
                object.at("/metadata/namespace").asText(),
                object.at("/metadata/name").asText());
    }

    private static void require(boolean holds, String otherwise) {
        if (!holds) {
            throw new IllegalArgumentException(otherwise);
        }
    }
}
