package dev.powersweep.orchestrator.grid;

import dev.powersweep.orchestrator.spec.GridSpec;
import dev.powersweep.orchestrator.spec.GridSpec.Setting;
import dev.powersweep.orchestrator.spec.GridSpec.Variant;
import dev.powersweep.orchestrator.storage.UserError;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.TreeSet;
import java.util.stream.Collectors;

/** Finds {@code grid.axes} that change no cell: they would look like an axis and be none. */
final class InertAxes {
    /** Axes of several values that have not changed a cell yet. */
    private final Set<String> open;

    /** Axes of which two values were seen side by side. */
    private final Set<String> compared = new TreeSet<>();

    InertAxes(GridSpec.Part part) {
        Map<String, Set<String>> values = part.variants().stream()
                .flatMap(variant -> variant.settings().stream())
                .collect(Collectors.groupingBy(Setting::path, Collectors.mapping(Setting::text, Collectors.toSet())));
        open = values.entrySet().stream()
                .filter(axis -> axis.getValue().size() > 1)
                .map(Map.Entry::getKey)
                .collect(Collectors.toCollection(TreeSet::new));
        if (part.combine() == GridSpec.Combine.ZIP) {
            open.clear();
        }
    }

    /**
     * Compares cells that agree in all but their variants.
     *
     * @param ids of the cells
     */
    void see(Map<Variant, String> ids) {
        open.removeIf(path -> {
            Map<List<Setting>, String> others = new HashMap<>();
            return ids.entrySet().stream().anyMatch(entry -> {
                List<Setting> rest = entry.getKey().settings().stream()
                        .filter(setting -> !setting.path().equals(path))
                        .toList();
                String before = others.putIfAbsent(rest, entry.getValue());
                if (before != null) {
                    compared.add(path);
                }
                return before != null && !before.equals(entry.getValue());
            });
        });
    }

    /** Throws {@link UserError} naming the first of them. */
    void refuse() {
        open.retainAll(compared);
        if (!open.isEmpty()) {
            throw new UserError("grid.axes." + open.iterator().next()
                    + " changes no cell: its values all train the same; take it out of grid.axes");
        }
    }
}
