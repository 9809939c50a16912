package dev.powersweep.orchestrator.runtable;

import java.util.List;

/**
 * One row of a table.
 *
 * @param place line of the file, or number of the row where the file has no lines, from 1
 */
record RawRow(long place, List<String> cells) {

    /** The cell without blanks around it; empty where the row ends before it. */
    String textAt(int index) {
        return index < cells.size() ? cells.get(index).strip() : "";
    }

    boolean blank() {
        return cells.stream().allMatch(String::isBlank);
    }
}
