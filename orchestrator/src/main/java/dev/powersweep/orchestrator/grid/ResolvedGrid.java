package dev.powersweep.orchestrator.grid;

import java.util.List;

/**
 * @param cells distinct, in the order of the specification
 * @param warnings what a user would want to know before training, one sentence each
 */
public record ResolvedGrid(List<GridCell> cells, List<String> warnings) {
    public ResolvedGrid {
        cells = List.copyOf(cells);
        warnings = List.copyOf(warnings);
    }
}
