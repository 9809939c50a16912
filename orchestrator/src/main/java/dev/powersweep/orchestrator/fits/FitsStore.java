package dev.powersweep.orchestrator.fits;

import dev.powersweep.orchestrator.storage.SweepDirectory;
import dev.powersweep.orchestrator.storage.UserError;
import dev.powersweep.orchestrator.tables.ResultTables;
import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.time.Instant;
import org.apache.hadoop.conf.Configuration;

/** Stores fits in their sweep's directory. */
public final class FitsStore {
    private FitsStore() {}

    /** Writes {@code fits.json} and the {@code fits} table, each replaced in one step. */
    public static void replace(SweepDirectory directory, Configuration configuration, FitSet fits, Instant now) {
        try {
            directory
                    .storage(configuration)
                    .replace(
                            directory.fits(),
                            FitsJson.write(fits, FitsJson.Detail.FULL).getBytes(StandardCharsets.UTF_8));
        } catch (IOException unwritable) {
            throw new UserError(directory.fits() + ": cannot be written (" + unwritable.getMessage() + ")", unwritable);
        }
        new ResultTables(directory, configuration).writeFits(FitRows.of(fits, now));
    }
}
