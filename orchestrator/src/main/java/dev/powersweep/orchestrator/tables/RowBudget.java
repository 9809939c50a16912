package dev.powersweep.orchestrator.tables;

import dev.powersweep.orchestrator.dispatch.CellRecord;
import dev.powersweep.orchestrator.dispatch.SweepState;
import dev.powersweep.orchestrator.storage.UserError;
import java.util.function.LongSupplier;
import org.apache.hadoop.fs.Path;

/**
 * How many rows are read of files that others may have written: equal rows are compressed to nothing, so that a file of
 * kilobytes can hold more of them than fit into memory. Files say in their footer how many they hold.
 */
public final class RowBudget {
    /** Not worth asking the ledger: some hundred megabytes in memory. */
    private static final long FREE = 1_000_000;

    private final LongSupplier most;
    private long taken;

    /**
     * Of one reading of a table.
     *
     * @param most rows that the table can have, as {@link #most} says
     */
    public static RowBudget of(long most) {
        return new RowBudget(() -> most);
    }

    /**
     * Rows that a table can have by what the sweep's cells plan: a row a step, and at most an evaluation a step, on every
     * set. Without bound for other tables, and where no sweep was submitted.
     */
    public static long most(SweepState sweep, Table<?> table) {
        if ((!table.equals(Table.STEPS) && !table.equals(Table.EVALS))
                || sweep.submitted().isEmpty()) {
            return Long.MAX_VALUE;
        }
        return sweep.cells().stream()
                .map(CellRecord::cell)
                .mapToLong(cell -> table.equals(Table.STEPS)
                        ? cell.data().steps()
                        : (cell.data().steps() + 1) * cell.evaluation().sets().size())
                .reduce(0, (sum, rows) -> sum + rows < 0 ? Long.MAX_VALUE : sum + rows);
    }

    /** @param most rows that the sweep can have; asked for once many have been read */
    public RowBudget(LongSupplier most) {
        this.most = most;
    }

    /** Throws {@link UserError} naming the file whose rows are more than the sweep can have. */
    void take(Path file, long rows) {
        taken += rows;
        if (taken > FREE && taken > most.getAsLong()) {
            throw new UserError(
                    file + " holds " + rows + " rows, with which the table has more than the sweep's cells have"
                            + " steps: it is not what PowerSweep wrote; delete or restore it, then rerun its cell with powersweep"
                            + " rerun DIR --cells");
        }
    }
}
