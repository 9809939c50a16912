package dev.powersweep.orchestrator.spec;

import dev.powersweep.orchestrator.spec.Settings.Value;
import java.util.List;
import java.util.Optional;
import org.snakeyaml.engine.v2.nodes.Node;

/**
 * The specification that is being read.
 *
 * @param root its YAML tree, overrides applied
 * @param file its name, for messages
 * @param defaultName the sweep's name where the specification gives none
 * @param text as submitted, overrides applied
 */
record SpecDocument(Node root, String file, String defaultName, String text, Problems problems) {

    /** The tree, checked; empty where it is no specification, and the problems are noted. */
    Optional<Value> check() {
        return new SpecChecker(this).check(SpecKeys.ROOT, root, new Place(file, 1, ""), "");
    }

    /** What another tree says of single cells; empty where it holds values that it cannot, which are noted. */
    Optional<GridSpec.Variant> variant(Node other, List<GridSpec.Setting> settings) {
        SpecDocument variant = new SpecDocument(other, file, defaultName, text, new Problems());
        Optional<Value> checked = variant.check();
        Optional<GridSpec.Variant> result = variant.problems.none()
                ? checked.map(value -> SpecKeys.variant((Settings) value.content(), settings))
                : Optional.empty();
        problems.addAll(variant.problems);
        return result;
    }
}
