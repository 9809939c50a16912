package dev.powersweep.orchestrator.spec;

import dev.powersweep.orchestrator.spec.Settings.Value;
import dev.powersweep.orchestrator.storage.UserError;
import java.util.List;
import java.util.Optional;
import org.snakeyaml.engine.v2.nodes.Node;

/** Reads a specification: YAML in, records out, every problem at once. */
public final class SweepSpecReader {
    static final String OVERRIDE = "--set";

    private SweepSpecReader() {}

    /**
     * @param text the YAML
     * @param sourceName the file's name, for messages and as the sweep's name
     * @param overrides {@code key.path=value}, the later one winning
     * @throws UserError naming every problem with key, value, bound and line
     */
    public static SweepSpec read(String text, String sourceName, List<String> overrides) {
        String file = sourceName.substring(sourceName.lastIndexOf('/') + 1);
        Node root = SpecYaml.parse(text, file);
        for (String override : overrides) {
            root = SpecYaml.override(root, override);
        }
        Problems problems = new Problems();
        String submitted = overrides.isEmpty() ? text : SpecYaml.write(root);
        Optional<Value> checked = new SpecDocument(root, file, defaultName(file), submitted, problems).check();
        problems.throwIfAny(file);
        SweepSpec spec = SpecKeys.ROOT.bind(checked.orElseThrow());
        problems.throwIfAny(file);
        return spec;
    }

    /** The value of {@code grid.union} in a specification, as YAML; empty where it has none. */
    public static Optional<String> union(String text) {
        return SpecYaml.at(SpecYaml.parse(text, "sweep.yaml"), "grid.union").map(SpecYaml::write);
    }

    private static String defaultName(String file) {
        String stem = file.replaceFirst("\\.ya?ml$", "");
        return stem.matches(SpecKeys.NAME_PATTERN) ? stem : "sweep";
    }
}
