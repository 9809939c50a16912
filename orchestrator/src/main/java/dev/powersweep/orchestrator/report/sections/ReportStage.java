package dev.powersweep.orchestrator.report.sections;

import dev.powersweep.orchestrator.fits.FitSet;
import dev.powersweep.orchestrator.report.ReportPage;
import dev.powersweep.orchestrator.results.SweepResults;
import dev.powersweep.orchestrator.storage.SweepDirectory;
import dev.powersweep.orchestrator.storage.UserError;
import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.time.Instant;
import java.util.Optional;
import org.apache.hadoop.conf.Configuration;
import org.apache.hadoop.fs.Path;

/** Writes a sweep's report.html. */
public final class ReportStage {
    private ReportStage() {}

    /** Writes the report, replaced in one step, and says where it is. */
    public static Path run(
            SweepDirectory directory,
            Configuration configuration,
            SweepResults results,
            FitSet fits,
            Instant now,
            Optional<SampleText> sample) {
        String page = ReportPage.html(SweepReport.of(results, fits, now, sample));
        try {
            directory.storage(configuration).replace(directory.report(), page.getBytes(StandardCharsets.UTF_8));
        } catch (IOException unwritable) {
            throw new UserError(
                    directory.report() + ": cannot be written (" + unwritable.getMessage() + ")", unwritable);
        }
        return directory.report();
    }
}
