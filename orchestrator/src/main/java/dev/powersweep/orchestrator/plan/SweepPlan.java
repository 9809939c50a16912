package dev.powersweep.orchestrator.plan;

import dev.powersweep.worker.cell.CellListeners;
import java.util.List;

/**
 * Everything a run needs to know, decided before anything starts.
 *
 * @param name of the sweep
 * @param specification the YAML text, as submitted with its overrides applied
 * @param corpusHash the tokenised corpus that every cell reads
 * @param cells longest first
 */
public record SweepPlan(
        String name, String specification, String corpusHash, List<PlannedCell> cells, RunPolicy policy) {
    public SweepPlan {
        cells = List.copyOf(cells);
    }

    /** Of some of its cells alone. */
    public SweepPlan of(List<PlannedCell> some) {
        return new SweepPlan(name, specification, corpusHash, some, policy);
    }

    /** The same with listeners that see every step of its cells. */
    public SweepPlan seenBy(CellListeners listeners) {
        return new SweepPlan(name, specification, corpusHash, cells, policy.seenBy(listeners));
    }
}
