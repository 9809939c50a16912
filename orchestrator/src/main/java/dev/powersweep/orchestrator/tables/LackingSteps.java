package dev.powersweep.orchestrator.tables;

import dev.powersweep.orchestrator.storage.SweepDirectory;

/**
 * A cell with a result whose steps are no longer all in the table's files. Drivers never delete such files; people may.
 *
 * @param found steps that files are there for, by their names
 */
public record LackingSteps(SweepDirectory directory, EndedCell cell, long found) {
    /** What is not there, and what to do. */
    public String sentence() {
        return directory.table(Table.STEPS.name()) + " has files for " + found + " of the " + cell.steps()
                + " steps of cell " + cell.name() + ": restore them, or train it again with powersweep rerun "
                + directory.root() + " --cells " + cell.id();
    }
}
