package dev.powersweep.orchestrator.runtable;

import java.util.List;

/**
 * One row of a table.
 *
 * @param place line of the file, or number of the row where the file has no lines, from 1
 * @param diverged whether the row says that it is a branch that diverged, so that it has no loss
 */
record RawRow(long place, List<String> cells, boolean diverged) {

    RawRow(long place, List<String> cells) {
        this(place, cells, false);
    }

    RawRow asDiverged() {
        return new RawRow(place, cells, true);
    }

    /** The cell without blanks around it; empty where the row ends before it. */
    String textAt(int index) {
        return index < cells.size() ? cells.get(index).strip() : "";
    }

    boolean blank() {
        return cells.stream().allMatch(String::isBlank);
    }
}
