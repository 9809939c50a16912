package dev.powersweep.orchestrator.runtable;

import dev.powersweep.orchestrator.storage.UserError;
import java.util.List;

/**
 * A table as its file holds it, before anything is known of its columns.
 *
 * @param place of each row: {@link RawRow#place()} counts in this, "line" or "row"
 * @param decimalCommas whether something else than commas parts the cells, so that a comma may stand before decimals
 * @param remarks what was done to read it that its reader should know
 */
record RawTable(
        String file,
        List<String> header,
        List<RawRow> rows,
        String place,
        boolean decimalCommas,
        List<String> remarks) {
    static final String LINE = "line";

    RawTable {
        header = header.stream().map(String::strip).toList();
        rows = List.copyOf(rows);
        remarks = List.copyOf(remarks);
    }

    static RawTable of(String file, List<String> header, List<RawRow> rows) {
        return new RawTable(file, header, rows, LINE, false, List.of());
    }

    RawTable with(List<RawRow> others) {
        return new RawTable(file, header, others, place, decimalCommas, remarks);
    }

    /**
     * The cell of a row.
     *
     * @throws UserError where the row ends before it
     */
    String cell(RawRow row, int index) {
        if (index >= row.cells().size()) {
            throw new UserError(at(row) + "the row has " + row.cells().size() + " of the header's " + header.size()
                    + " cells, '" + header.get(index) + "' is missing; mend the row or leave it out");
        }
        return row.cells().get(index).strip();
    }

    /** Where a row stands, for messages. */
    String at(RawRow row) {
        return file + ", " + place + " " + row.place() + ": ";
    }

    /** All cells of a column; empty where a row ends before it. */
    List<String> column(int index) {
        return rows.stream().map(row -> row.textAt(index)).toList();
    }
}
