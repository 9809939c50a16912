package dev.powersweep.orchestrator.results;

import dev.powersweep.orchestrator.tables.CellRow;
import dev.powersweep.worker.cell.Cell;
import dev.powersweep.worker.cell.CellJson;
import dev.powersweep.worker.cell.CellState;
import java.util.Map;
import java.util.Optional;

/**
 * A branch that left a run to measure the critical batch size there, and what it brought. It is no cell of the grid: its learning rate
 * never fell, so that its loss compares with that of other branches alone.
 *
 * @param cell the branch; its batch is the one after the branch, its tokens count the trunk's
 * @param at tokens that the trunk had seen
 * @param trunk identity of the run that it left, whatever that run's length
 * @param setup the same whatever the seed: branches of one setup are replicates where they left after equally many tokens
 * @param trunkBatchTokens B of that run
 * @param rateFactor of that run's peak learning rate
 * @param parent identity of the cell that got furthest of that run, whose gradient noise is the trunk's
 */
public record BranchResult(
        CellResult cell,
        double at,
        String trunk,
        String setup,
        double trunkBatchTokens,
        double rateFactor,
        Optional<String> parent) {

    /**
     * As a row of the {@code cells} table says that is one of a branch.
     *
     * @param parents by trunk
     */
    static BranchResult of(CellRow row, Map<String, String> parents) {
        Cell cell = CellJson.read(row.rule().cellJson(), Cell.class);
        return new BranchResult(
                CellResult.of(row, Map.of()),
                row.scale().branchTokens().orElseThrow(),
                cell.trunk(),
                cell.replicate(0).trunk(),
                row.scale().trunkBatchTokens().orElseThrow(),
                cell.data().branch().orElseThrow().rateFactor(),
                Optional.ofNullable(parents.get(cell.trunk())));
    }

    /** The same with the parameters of its model counted otherwise. */
    BranchResult counted(Convention convention) {
        return new BranchResult(cell.counted(convention), at, trunk, setup, trunkBatchTokens, rateFactor, parent);
    }

    /** Tokens that it was trained on after it had left its run; 0 where it never got that far. */
    public double ownTokens() {
        return Math.max(0, cell.tokensDone() - at);
    }

    /** Whether it ended as too large a batch at too high a rate does. */
    public boolean diverged() {
        return cell.state() == CellState.DIVERGED && cell.parameters() > 0;
    }

    /** Whether it tells something of its batch: it ran to its end, or diverged. */
    public boolean comparable() {
        return usable() || diverged();
    }

    /** Whether its loss may be compared: it ran to its end, and the loss is a number. */
    public boolean usable() {
        return cell.usable() && !cell.stoppedEarly();
    }
}
