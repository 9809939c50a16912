package dev.powersweep.orchestrator.plan;

/**
 * Where cells can run at once.
 *
 * @param count cells at once, ≥ 1
 * @param memoryBytes that all trainers of a machine together may take; 0 where it is not known
 */
public record Slots(int count, long memoryBytes) {
    public Slots {
        if (count < 1) {
            throw new IllegalArgumentException("slots = " + count + " must be at least 1");
        }
    }
}
