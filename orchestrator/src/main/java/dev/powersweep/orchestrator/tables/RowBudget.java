package dev.powersweep.orchestrator.tables;

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
