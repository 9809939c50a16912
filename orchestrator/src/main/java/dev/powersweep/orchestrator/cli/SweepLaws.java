package dev.powersweep.orchestrator.cli;

import dev.powersweep.fitting.FitOptions;
import dev.powersweep.orchestrator.fits.FitSet;
import dev.powersweep.orchestrator.fits.FitStage;
import dev.powersweep.orchestrator.fits.SweepFits;
import dev.powersweep.orchestrator.report.sections.ReportStage;
import dev.powersweep.orchestrator.results.SweepReader;
import dev.powersweep.orchestrator.results.SweepResults;
import dev.powersweep.orchestrator.storage.Storage;
import dev.powersweep.orchestrator.storage.SweepDirectory;
import dev.powersweep.orchestrator.storage.UserError;
import dev.powersweep.orchestrator.tables.CellsTable;
import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.time.Instant;
import java.util.List;
import org.apache.hadoop.conf.Configuration;
import org.apache.hadoop.fs.Path;

/** The end of a sweep: its laws and its report. Apart from the commands, so that fitting a CSV file loads no Hadoop. */
final class SweepLaws {
    /** What {@link #fitAndReport} has made. */
    record Made(FitSet fits, Path report) {}

    private SweepLaws() {}

    static FitSet fit(String directory, List<String> laws, FitOptions options) {
        Configuration configuration = HadoopSettings.configuration();
        SweepDirectory sweep = SweepDirectory.at(directory, configuration);
        CellsTable.refresh(sweep, configuration);
        return FitStage.run(sweep, configuration, SweepReader.read(sweep, configuration), laws, options, Instant.now());
    }

    /** Fits every law that the results allow and writes the report. */
    static Made fitAndReport(SweepDirectory sweep, Configuration configuration) {
        CellsTable.refresh(sweep, configuration);
        SweepResults results = SweepReader.read(sweep, configuration);
        Instant now = Instant.now();
        FitSet fits = FitStage.run(sweep, configuration, results, List.of(), SweepFits.options(), now);
        return new Made(fits, ReportStage.run(sweep, configuration, results, fits, now));
    }

    static Made fitAndReport(String directory) {
        Configuration configuration = HadoopSettings.configuration();
        return fitAndReport(SweepDirectory.at(directory, configuration), configuration);
    }

    /** The text of a sweep's fits.json. */
    static String fitsJson(String directory) {
        Configuration configuration = HadoopSettings.configuration();
        SweepDirectory sweep = SweepDirectory.at(directory, configuration);
        try {
            Storage storage = Storage.of(sweep.root(), configuration);
            if (!storage.exists(sweep.fits())) {
                throw new UserError(directory + ": there are no fits yet; run powersweep fit " + directory + " first");
            }
            return new String(storage.read(sweep.fits()), StandardCharsets.UTF_8);
        } catch (IOException unreadable) {
            throw new UserError(sweep.fits() + ": cannot be read (" + unreadable.getMessage() + ")", unreadable);
        }
    }
}
