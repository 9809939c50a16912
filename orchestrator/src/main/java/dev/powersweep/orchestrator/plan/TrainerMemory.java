package dev.powersweep.orchestrator.plan;

import dev.powersweep.orchestrator.storage.UserError;
import dev.powersweep.worker.cell.Cell;
import java.util.Locale;
import java.util.Map;
import java.util.OptionalLong;

/** Refuses cells whose trainer could not have the memory that it needs, before any of them starts. */
public final class TrainerMemory {
    private TrainerMemory() {}

    /**
     * @param cells by name
     * @param cap {@code resources.memory}, bytes
     * @param present bytes that all trainers of a machine together may take; 0 where it is not known
     * @throws UserError naming the largest cell where that needs more
     */
    public static void require(Map<String, Cell> cells, OptionalLong cap, long present) {
        long limit = cap.orElse(present);
        if (limit == 0) {
            return;
        }
        cells.entrySet().stream()
                .map(cell -> Map.entry(cell.getKey(), needed(cell.getValue(), cap)))
                .max(Map.Entry.comparingByValue())
                .filter(largest -> largest.getValue() > limit)
                .ifPresent(largest -> {
                    throw new UserError(String.format(
                            Locale.ROOT,
                            "cell %s needs about %s of memory but %s is %s: take smaller grid.modelSizes, a shorter"
                                    + " context, or %s",
                            largest.getKey(),
                            SweepPlanner.bytes(largest.getValue()),
                            cap.isPresent() ? "resources.memory" : "the memory for trainers",
                            SweepPlanner.bytes(limit),
                            cap.isPresent() ? "a larger resources.memory" : "a machine with more memory"));
                });
    }

    /** Of the smallest pass that the cap asks for; for a program that is not ours what its user said. */
    private static long needed(Cell cell, OptionalLong cap) {
        return cell.program().isPresent()
                ? cap.orElse(0)
                : CostModel.memoryBytes(cell, CostModel.microBatchSequences(cell, cap.orElse(0)));
    }
}
