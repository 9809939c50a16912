package dev.powersweep.orchestrator.spec;

import dev.powersweep.orchestrator.storage.UserError;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import org.snakeyaml.engine.v2.api.DumpSettings;
import org.snakeyaml.engine.v2.api.LoadSettings;
import org.snakeyaml.engine.v2.api.lowlevel.Compose;
import org.snakeyaml.engine.v2.api.lowlevel.Present;
import org.snakeyaml.engine.v2.api.lowlevel.Serialize;
import org.snakeyaml.engine.v2.common.FlowStyle;
import org.snakeyaml.engine.v2.common.ScalarStyle;
import org.snakeyaml.engine.v2.exceptions.MarkedYamlEngineException;
import org.snakeyaml.engine.v2.exceptions.YamlEngineException;
import org.snakeyaml.engine.v2.nodes.MappingNode;
import org.snakeyaml.engine.v2.nodes.Node;
import org.snakeyaml.engine.v2.nodes.NodeTuple;
import org.snakeyaml.engine.v2.nodes.ScalarNode;
import org.snakeyaml.engine.v2.nodes.SequenceNode;
import org.snakeyaml.engine.v2.nodes.Tag;

/** YAML trees with places: parsing, overriding, writing. */
final class SpecYaml {
    private static final String DEFAULT_LABEL = "default";
    private static final int DEEPEST = 20;

    private SpecYaml() {}

    /** Throws {@link UserError} with the line where it is not YAML. */
    static Node parse(String text, String source) {
        try {
            LoadSettings settings = LoadSettings.builder().setLabel(source).build();
            return new Compose(settings).composeString(text).orElseGet(SpecYaml::emptyMapping);
        } catch (MarkedYamlEngineException e) {
            int line = e.getProblemMark()
                    .or(e::getContextMark)
                    .map(mark -> mark.getLine() + 1)
                    .orElse(0);
            throw new UserError(
                    new Place(source, line, "").label() + ": not valid YAML: "
                            + (e.getProblem() == null ? e.getContext() : e.getProblem()),
                    e);
        } catch (YamlEngineException e) {
            throw new UserError(source + ": not valid YAML: " + e.getMessage(), e);
        } catch (StackOverflowError e) {
            // The parser recurses into brackets.
            throw new UserError(source + ": not a specification: brackets are nested too deeply", e);
        }
    }

    /** A default or an override's value. */
    static Node value(String yaml) {
        return parse(yaml, DEFAULT_LABEL);
    }

    /** Where a node stands; a default stands where its section does. */
    static Place place(Node node, Place parent, String path) {
        return node.getStartMark()
                .filter(mark -> !mark.getName().equals(DEFAULT_LABEL))
                .map(mark -> mark.getName().startsWith(SweepSpecReader.OVERRIDE)
                        ? new Place(mark.getName(), 0, path)
                        : new Place(mark.getName(), mark.getLine() + 1, path))
                .orElse(new Place(parent.source(), parent.line(), path));
    }

    /**
     * The tree with {@code key.path=value} put in place; sections on the way are made where they are missing. Throws
     * {@link UserError} where the text has no such form.
     */
    static Node override(Node root, String override) {
        int equals = override.indexOf('=');
        if (equals <= 0) {
            throw new UserError(SweepSpecReader.OVERRIDE + " " + override
                    + " must have the form key.path=value, e.g. training.learningRate=0.001");
        }
        String path = override.substring(0, equals).strip();
        String text = override.substring(equals + 1);
        String label = SweepSpecReader.OVERRIDE + " " + override;
        List<String> keys = List.of(path.split("\\.", -1));
        if (keys.size() > DEEPEST) {
            throw new UserError(SweepSpecReader.OVERRIDE + " " + path.substring(0, 40) + "... has " + keys.size()
                    + " keys on its path; no key of a specification lies deeper than " + DEEPEST);
        }
        Node value = parse(text.isBlank() ? "null" : text, label);
        return put(root, keys, value, label);
    }

    /** The tree with a value in the place of a path of keys. */
    static Node put(Node root, String path, Node value, String label) {
        return put(root, List.of(path.split("\\.", -1)), value, label);
    }

    private static Node put(Node node, List<String> path, Node value, String label) {
        if (path.isEmpty()) {
            return value;
        }
        String key = path.get(0);
        List<String> rest = path.subList(1, path.size());
        if (node instanceof SequenceNode sequence && key.matches("[0-9]{1,6}")) {
            int index = Integer.parseInt(key);
            if (index >= sequence.getValue().size()) {
                throw new UserError(label + ": there is no entry " + index + "; the list has "
                        + sequence.getValue().size());
            }
            List<Node> items = new ArrayList<>(sequence.getValue());
            items.set(index, put(items.get(index), rest, value, label));
            return new SequenceNode(
                    Tag.SEQ, true, items, sequence.getFlowStyle(), sequence.getStartMark(), sequence.getEndMark());
        }
        List<NodeTuple> entries = new ArrayList<>();
        boolean found = false;
        if (node instanceof MappingNode mapping) {
            for (NodeTuple tuple : mapping.getValue()) {
                if (tuple.getKeyNode() instanceof ScalarNode name
                        && name.getValue().equals(key)) {
                    found = true;
                    entries.add(new NodeTuple(name, put(tuple.getValueNode(), rest, value, label)));
                } else {
                    entries.add(tuple);
                }
            }
        }
        if (!found) {
            entries.add(new NodeTuple(
                    new ScalarNode(Tag.STR, key, ScalarStyle.PLAIN),
                    rest.isEmpty() ? value : put(emptyMapping(), rest, value, label)));
        }
        boolean mapping = node instanceof MappingNode;
        return new MappingNode(
                Tag.MAP,
                true,
                entries,
                mapping ? ((MappingNode) node).getFlowStyle() : FlowStyle.BLOCK,
                mapping ? node.getStartMark() : value.getStartMark(),
                mapping ? node.getEndMark() : Optional.empty());
    }

    static String write(Node root) {
        DumpSettings settings = DumpSettings.builder().build();
        return new Present(settings)
                .emitToString(new Serialize(settings).serializeOne(root).iterator());
    }

    /** The mapping with these keys alone. */
    static Node only(Node root, List<String> keys) {
        if (!(root instanceof MappingNode mapping)) {
            return root;
        }
        List<NodeTuple> kept = mapping.getValue().stream()
                .filter(tuple -> tuple.getKeyNode() instanceof ScalarNode key && keys.contains(key.getValue()))
                .toList();
        return new MappingNode(
                Tag.MAP, true, kept, mapping.getFlowStyle(), mapping.getStartMark(), mapping.getEndMark());
    }

    /** What stands at a path of keys, if anything does. */
    static Optional<Node> at(Node root, String path) {
        Optional<Node> node = Optional.of(root);
        for (String key : path.split("\\.")) {
            node = node.filter(MappingNode.class::isInstance).flatMap(mapping -> ((MappingNode) mapping)
                    .getValue().stream()
                            .filter(tuple -> tuple.getKeyNode() instanceof ScalarNode name
                                    && name.getValue().equals(key))
                            .map(NodeTuple::getValueNode)
                            .findFirst());
        }
        return node;
    }

    /** A mapping of one key, standing where its value does. */
    static Node mapping(String key, Node value) {
        return new MappingNode(
                Tag.MAP,
                true,
                List.of(new NodeTuple(new ScalarNode(Tag.STR, key, ScalarStyle.PLAIN), value)),
                FlowStyle.FLOW,
                value.getStartMark(),
                value.getEndMark());
    }

    private static Node emptyMapping() {
        return new MappingNode(Tag.MAP, new ArrayList<>(), FlowStyle.BLOCK);
    }
}
