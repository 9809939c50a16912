package dev.powersweep.orchestrator.plan;

import com.fasterxml.jackson.annotation.JsonInclude;
import dev.powersweep.worker.cell.CellListeners;
import java.util.Optional;
import java.util.OptionalInt;

/**
 * How cells are run; nothing here changes a cell's numbers.
 *
 * @param threadsPerCell OMP and BLAS threads of a trainer, ≥ 1
 * @param trainerMemoryBytes cap on a trainer's native memory; 0 for the plan's own estimate with room to spare
 * @param gpusPerCell 0 for the CPU backend
 * @param checkpointSeconds seconds between checkpoints
 * @param reportSeconds most seconds between progress reports of a trainer
 * @param cellTimeoutSeconds after which an attempt counts as timed out; 0 for ten times the prediction, times the cells
 *     that a GPU has at once, and at least ten minutes
 * @param hangSeconds without any frame after which a trainer counts as stuck
 * @param maxAttempts attempts a cell may use up by failures it is to blame for
 * @param equalFailuresToStop failures of one class and message in a row that stop the sweep; 0 to never stop
 * @param trainerJava Java home that trainers run on; empty for the executor's own
 * @param listeners that see every step; not written where there are none, as ledgers of earlier versions have it
 * @param cellsPerGpu cells that a trainer trains at once, on its GPU, ≥ 2; not written where that is one
 */
public record RunPolicy(
        int threadsPerCell,
        long trainerMemoryBytes,
        int gpusPerCell,
        double checkpointSeconds,
        double reportSeconds,
        double cellTimeoutSeconds,
        double hangSeconds,
        int maxAttempts,
        int equalFailuresToStop,
        Optional<String> trainerJava,
        @JsonInclude(JsonInclude.Include.NON_ABSENT) Optional<CellListeners> listeners,
        @JsonInclude(JsonInclude.Include.NON_ABSENT) OptionalInt cellsPerGpu) {

    /** Without listeners. */
    public RunPolicy(
            int threadsPerCell,
            long trainerMemoryBytes,
            int gpusPerCell,
            double checkpointSeconds,
            double reportSeconds,
            double cellTimeoutSeconds,
            double hangSeconds,
            int maxAttempts,
            int equalFailuresToStop,
            Optional<String> trainerJava) {
        this(
                threadsPerCell,
                trainerMemoryBytes,
                gpusPerCell,
                checkpointSeconds,
                reportSeconds,
                cellTimeoutSeconds,
                hangSeconds,
                maxAttempts,
                equalFailuresToStop,
                trainerJava,
                Optional.empty(),
                OptionalInt.empty());
    }

    public static final RunPolicy DEFAULT = new RunPolicy(1, 0, 0, 60, 1, 0, 300, 3, 10, Optional.empty());

    /** The same with listeners. */
    RunPolicy seenBy(CellListeners all) {
        return new RunPolicy(
                threadsPerCell,
                trainerMemoryBytes,
                gpusPerCell,
                checkpointSeconds,
                reportSeconds,
                cellTimeoutSeconds,
                hangSeconds,
                maxAttempts,
                equalFailuresToStop,
                trainerJava,
                Optional.of(all),
                cellsPerGpu);
    }

    /** The same with so many cells at once on a GPU. */
    public RunPolicy sharing(int cells) {
        return new RunPolicy(
                threadsPerCell,
                trainerMemoryBytes,
                gpusPerCell,
                checkpointSeconds,
                reportSeconds,
                cellTimeoutSeconds,
                hangSeconds,
                maxAttempts,
                equalFailuresToStop,
                trainerJava,
                listeners,
                cells > 1 ? OptionalInt.of(cells) : OptionalInt.empty());
    }

    /** The same with a trainer that has one cell at a time. */
    public RunPolicy alone() {
        return sharing(1);
    }

    /** Cells that a trainer trains at once, ≥ 1. */
    public int cellsAtOnce() {
        return cellsPerGpu.orElse(1);
    }
}
