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

    private static final List<String> CELL_KEYS =
            SpecKeys.CELL.keys().stream().map(SpecKey::name).toList();

    /** The tree, checked; empty where it is no specification, and the problems are noted. */
    Optional<Value> check() {
        return new SpecChecker(this).check(SpecKeys.ROOT, root, new Place(file, 1, ""), "");
    }

    /** What a tree says of single cells; empty where it holds values that it cannot, which are noted. */
    Optional<GridSpec.Variant> variant(Node tree, List<GridSpec.Setting> settings) {
        SpecDocument variant = new SpecDocument(tree, file, defaultName, text, new Problems());
        Optional<Value> checked = new SpecChecker(variant)
                .check(SpecKeys.CELL, SpecYaml.only(tree, CELL_KEYS), new Place(file, 1, ""), "");
        Optional<GridSpec.Variant> result = variant.problems.none()
                ? checked.map(SpecKeys.CELL::bind)
                        .map(made -> new GridSpec.Variant(
                                settings, made.context(), made.model(), made.training(), made.arguments()))
                : Optional.empty();
        problems.addAll(variant.problems);
        return result;
    }
}
