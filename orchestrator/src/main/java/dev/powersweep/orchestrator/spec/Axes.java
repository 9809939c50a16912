package dev.powersweep.orchestrator.spec;

import dev.powersweep.orchestrator.program.Template;
import dev.powersweep.orchestrator.spec.GridSpec.Combine;
import dev.powersweep.orchestrator.spec.GridSpec.Setting;
import dev.powersweep.orchestrator.spec.GridSpec.Variant;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.TreeSet;
import org.snakeyaml.engine.v2.nodes.Node;
import org.snakeyaml.engine.v2.nodes.ScalarNode;

/** {@code grid.axes} of one part: keys by their paths, and the values that each takes in turn. */
final class Axes {
    static final int MOST_VARIANTS = 10_000;

    /**
     * @param place of an axis
     * @param entries it has
     */
    record Length(Place place, int entries) {}

    private record Axis(String path, List<Node> values) {

        Setting setting(int index) {
            return new Setting(
                    path,
                    values.get(index) instanceof ScalarNode scalar
                            ? scalar.getValue().strip()
                            : Integer.toString(index + 1));
        }

        boolean numeric() {
            return values.stream()
                    .allMatch(node -> node instanceof ScalarNode scalar
                            && SizeNotation.size(scalar.getValue().strip()).isPresent());
        }
    }

    private final List<Axis> axes;
    private final Settings part;
    private final String section;

    private Axes(List<Axis> axes, Settings part, String section) {
        this.axes = axes;
        this.part = part;
        this.section = section;
    }

    /** Notes the names that are no keys of a cell. */
    static Axes of(Settings part, SpecKey<Map<String, List<Node>>> key) {
        List<Axis> axes = new ArrayList<>();
        part.find(key).orElse(Map.of()).forEach((path, values) -> {
            Optional<String> problem = problem(path);
            problem.ifPresent(sentence -> part.wrongEntry(key, path, sentence));
            if (problem.isEmpty()) {
                axes.add(new Axis(path, values));
            }
        });
        return new Axes(axes, part, part.path(key));
    }

    private static Optional<String> problem(String path) {
        TreeSet<String> known = new TreeSet<>();
        SpecPaths.forEach((candidate, key) -> {
            if (candidate.equals("context") || candidate.startsWith("training.") || candidate.startsWith("model.")) {
                known.add(candidate);
            }
        });
        if (path.startsWith(TrainerKeys.ARGUMENT_AXIS)) {
            String name = path.substring(TrainerKeys.ARGUMENT_AXIS.length());
            return name.matches(Template.NAME)
                    ? TrainerKeys.taken(name)
                    : Optional.of("has no name of an argument: letters, digits and '_', a letter first");
        }
        if (known.contains(path)) {
            return Optional.empty();
        }
        if (path.equals("tokenizer") || path.startsWith("tokenizer.")) {
            return Optional.of("is no axis: a sweep has one tokenised corpus; give each tokenizer a sweep of its own");
        }
        if (path.equals("trainer") || path.startsWith("trainer.")) {
            return Optional.of("is no axis; axes of a program are its arguments, trainer.arguments.NAME");
        }
        Optional<String> near = known.stream()
                .filter(candidate -> candidate.endsWith("." + path))
                .findFirst()
                .or(() -> NearestName.to(path, known));
        return Optional.of("is no key of training, model or context"
                + near.map(candidate -> "; did you mean " + candidate + "?")
                        .orElse("; give the path of one, such as training.optimizer.weightDecay"));
    }

    /** Their paths, and whether all of their values are numbers. */
    Map<String, Boolean> names() {
        Map<String, Boolean> names = new LinkedHashMap<>();
        axes.forEach(axis -> names.put(axis.path, axis.numeric()));
        return names;
    }

    /** How many values each has. */
    List<Length> lengths() {
        return axes.stream()
                .map(axis -> new Length(
                        SpecYaml.place(axis.values.get(0), part.place(), section + "." + axis.path),
                        axis.values.size()))
                .toList();
    }

    /** What the specification says with the values in place; notes those that it cannot hold. */
    List<Variant> variants(Combine combine) {
        List<int[]> choices = combine == Combine.ZIP ? together() : product();
        List<Variant> variants = new ArrayList<>();
        for (int[] choice : choices) {
            List<Setting> settings = new ArrayList<>();
            Node root = part.document().root();
            for (int i = 0; i < choice.length; i++) {
                Axis axis = axes.get(i);
                settings.add(axis.setting(choice[i]));
                root = SpecYaml.put(root, axis.path, axis.values.get(choice[i]), section + "." + axis.path);
            }
            part.document().variant(root, settings).ifPresent(variants::add);
        }
        return variants;
    }

    private List<int[]> together() {
        int length = axes.stream().mapToInt(axis -> axis.values.size()).max().orElse(1);
        List<int[]> choices = new ArrayList<>();
        for (int i = 0; i < length; i++) {
            int at = i;
            choices.add(axes.stream()
                    .mapToInt(axis -> Math.min(at, axis.values.size() - 1))
                    .toArray());
        }
        return choices;
    }

    private List<int[]> product() {
        long count = axes.stream().mapToLong(axis -> axis.values.size()).reduce(1, Axes::times);
        if (count > MOST_VARIANTS) {
            part.problems()
                    .sentence(
                            part.place(),
                            section + " has " + count + " combinations; the most is " + MOST_VARIANTS
                                    + ", so shorten them");
            return List.of();
        }
        List<int[]> choices = List.of(new int[axes.size()]);
        for (int a = 0; a < axes.size(); a++) {
            List<int[]> longer = new ArrayList<>();
            for (int[] choice : choices) {
                for (int i = 0; i < axes.get(a).values.size(); i++) {
                    int[] next = choice.clone();
                    next[a] = i;
                    longer.add(next);
                }
            }
            choices = longer;
        }
        return choices;
    }

    private static long times(long a, long b) {
        return Math.min(a * b, Integer.MAX_VALUE);
    }
}
