package dev.powersweep.orchestrator.fits;

import dev.powersweep.fitting.FitOptions;
import dev.powersweep.fitting.Fitting;
import dev.powersweep.orchestrator.results.SweepResults;
import dev.powersweep.orchestrator.storage.Storage;
import dev.powersweep.orchestrator.storage.SweepDirectory;
import dev.powersweep.orchestrator.storage.UserError;
import dev.powersweep.orchestrator.tables.ResultTables;
import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.time.Instant;
import java.util.List;
import org.apache.hadoop.conf.Configuration;

/** Fits a sweep's laws and keeps them with it. */
public final class FitStage {
    private FitStage() {}

    /**
     * Fits and writes {@code fits.json} and the {@code fits} table, each replaced in one step. Running it again with the
     * same results and options gives the same numbers.
     *
     * @param laws names as scripts use them; none for all
     */
    public static FitSet run(
            SweepDirectory directory,
            Configuration configuration,
            SweepResults results,
            List<String> laws,
            FitOptions options,
            Fitting fitting,
            Instant now) {
        FitSet fits = SweepFits.fit(results, laws, options, fitting);
        store(directory, configuration, fits, now);
        return fits;
    }

    /** Keeps fits with their sweep: {@code fits.json} and the table, each replaced in one step. */
    public static void store(SweepDirectory directory, Configuration configuration, FitSet fits, Instant now) {
        try {
            Storage.of(directory.root(), configuration)
                    .replace(
                            directory.fits(),
                            FitsJson.write(fits, FitsJson.Detail.FULL).getBytes(StandardCharsets.UTF_8));
        } catch (IOException unwritable) {
            throw new UserError(directory.fits() + ": cannot be written (" + unwritable.getMessage() + ")", unwritable);
        }
        new ResultTables(directory, configuration).writeFits(FitRows.of(fits, now));
    }
}
