package dev.powersweep.orchestrator.ledger;

import dev.powersweep.worker.cell.StoredName;

/**
 * Steps that a cell did not train itself, because another cell's training of the trunk they share served for them.
 *
 * @param cell identity of the one that trained them
 * @param steps the first so many
 */
public record SharedSteps(String cell, long steps) {
    public SharedSteps {
        StoredName.cell(cell);
        StoredName.count("steps", steps);
    }
}
