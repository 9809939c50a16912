package dev.powersweep.orchestrator.dispatch;

import dev.powersweep.orchestrator.grid.GridCell;
import java.util.List;
import java.util.Set;

/**
 * What a supervisor is told to do.
 *
 * @param attempt 1 for the first
 * @param generation results stored under a smaller one are replaced
 * @param microBatchSequences 0 for the trainer's choice
 * @param timeoutSeconds from the moment its trainer has the cell
 * @param parents identities of cells of the same trunk, from whose kept states a cell that has none of its own may go on
 * @param branchSteps steps whose states are kept for other cells of the trunk
 * @param beginning whether other cells begin from the same state of the trunk
 * @param company whether other cells may be in training in the same process
 * @param avoidHosts where it is not to be carried out as long as there are others, by the names that Spark knows
 */
public record AttemptOrder(
        GridCell gridCell,
        int attempt,
        int generation,
        int microBatchSequences,
        double timeoutSeconds,
        List<String> parents,
        List<Long> branchSteps,
        Beginning beginning,
        Company company,
        Set<String> avoidHosts) {

    /** Whether the state that a cell begins from is of use to others. */
    public enum Beginning {
        /** Once the cell has ended, nobody needs the state. */
        OWN,
        /** Others of the sweep begin from it, too. */
        COMMON
    }

    /** Whom a cell may share its trainer with, where trainers are shared at all. */
    public enum Company {
        ANY,
        /** It ended in a way that may have been a neighbour's doing or harmed its neighbours. */
        NONE
    }

    public AttemptOrder {
        parents = List.copyOf(parents);
        branchSteps = List.copyOf(branchSteps);
        avoidHosts = Set.copyOf(avoidHosts);
    }

    /** Of a cell that shares no trunk, anywhere. */
    public AttemptOrder(
            GridCell gridCell, int attempt, int generation, int microBatchSequences, double timeoutSeconds) {
        this(
                gridCell,
                attempt,
                generation,
                microBatchSequences,
                timeoutSeconds,
                List.of(),
                List.of(),
                Beginning.OWN,
                Company.ANY,
                Set.of());
    }

    /** The same with no host avoided. */
    public AttemptOrder anywhere() {
        return new AttemptOrder(
                gridCell,
                attempt,
                generation,
                microBatchSequences,
                timeoutSeconds,
                parents,
                branchSteps,
                beginning,
                company,
                Set.of());
    }
}
