package dev.powersweep.orchestrator.plan;

import com.fasterxml.jackson.annotation.JsonInclude;
import dev.powersweep.worker.cell.CellListeners;
import java.util.Optional;

/**
 * How cells are run; nothing here changes a cell's numbers.
 *
 * @param threadsPerCell OMP and BLAS threads of a trainer, ≥ 1
 * @param trainerMemoryBytes cap on a trainer's native memory; 0 for the plan's own estimate with room to spare
 * @param gpusPerCell 0 for the CPU backend
 * @param checkpointSeconds seconds between checkpoints
 * @param reportSeconds most seconds between progress reports of a trainer
 * @param cellTimeoutSeconds after which an attempt counts as timed out; 0 for ten times the prediction and at least
 *     ten minutes
 * @param hangSeconds without any frame after which a trainer counts as stuck
 * @param maxAttempts attempts a cell may use up by failures it is to blame for
 * @param equalFailuresToStop failures of one class and message in a row that stop the sweep; 0 to never stop
 * @param trainerJava Java home that trainers run on; empty for the executor's own
 * @param listeners that see every step; not written where there are none, as ledgers of earlier versions have it
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
        @JsonInclude(JsonInclude.Include.NON_ABSENT) Optional<CellListeners> listeners) {

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
                Optional.empty());
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
                Optional.of(all));
    }
}
