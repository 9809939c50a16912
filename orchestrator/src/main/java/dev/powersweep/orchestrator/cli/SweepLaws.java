package dev.powersweep.orchestrator.cli;

import dev.powersweep.fitting.FitOptions;
import dev.powersweep.fitting.Fitting;
import dev.powersweep.orchestrator.fits.Asked;
import dev.powersweep.orchestrator.fits.FitSet;
import dev.powersweep.orchestrator.fits.FitStage;
import dev.powersweep.orchestrator.fits.FitsJson;
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
import java.util.Optional;
import org.apache.hadoop.conf.Configuration;
import org.apache.hadoop.fs.Path;

/** The end of a sweep: its laws and its report. Apart from the commands, so that fitting a CSV file loads no Hadoop. */
final class SweepLaws {
    /** What {@link #fitAndReport} has made. */
    record Made(FitSet fits, Path report) {}

    private SweepLaws() {}

    static FitSet fit(String directory, List<String> laws, FitOptions options, Fitting fitting) {
        Configuration configuration = HadoopSettings.configuration();
        SweepDirectory sweep = SweepDirectory.at(directory, configuration);
        CellsTable.refresh(sweep, configuration);
        return FitStage.run(
                sweep, configuration, SweepReader.read(sweep, configuration), laws, options, fitting, Instant.now());
    }

    /** Fits every law that the results allow and writes the report. */
    static Made fitAndReport(SweepDirectory sweep, Configuration configuration) {
        CellsTable.refresh(sweep, configuration);
        SweepResults results = SweepReader.read(sweep, configuration);
        Instant now = Instant.now();
        FitSet fits = FitStage.run(sweep, configuration, results, List.of(), SweepFits.options(), Fitting.HERE, now);
        return new Made(fits, ReportStage.run(sweep, configuration, results, fits, now));
    }

    /**
     * Writes the report of the fits that the sweep has, made as they were asked for; of all laws where it has none yet.
     * {@code fits.json} is written anew only where the results have changed since.
     */
    static Made report(String directory) {
        Configuration configuration = HadoopSettings.configuration();
        SweepDirectory sweep = SweepDirectory.at(directory, configuration);
        Optional<String> stored = text(sweep, sweep.fits(), configuration);
        Optional<Asked> asked = stored.flatMap(Asked::of);
        if (asked.isEmpty()) {
            return fitAndReport(sweep, configuration);
        }
        CellsTable.refresh(sweep, configuration);
        SweepResults results = SweepReader.read(sweep, configuration);
        Instant now = Instant.now();
        FitSet fits = SweepFits.fit(results, asked.get().laws(), asked.get().options());
        if (!FitsJson.write(fits, FitsJson.Detail.FULL).equals(stored.get())) {
            FitStage.store(sweep, configuration, fits, now);
        }
        return new Made(fits, ReportStage.run(sweep, configuration, results, fits, now));
    }

    /** The text of a sweep's fits.json. */
    static String fitsJson(String directory) {
        Configuration configuration = HadoopSettings.configuration();
        SweepDirectory sweep = SweepDirectory.at(directory, configuration);
        return text(sweep, sweep.fits(), configuration)
                .orElseThrow(() -> new UserError(
                        directory + ": there are no fits yet; run powersweep fit " + directory + " first"));
    }

    /** The specification that a sweep was last submitted with, where it keeps one. */
    static Optional<String> specification(String directory) {
        Configuration configuration = HadoopSettings.configuration();
        SweepDirectory sweep = SweepDirectory.at(directory, configuration);
        return text(sweep, sweep.specification(), configuration);
    }

    /** A file of a sweep, where it has it. */
    private static Optional<String> text(SweepDirectory sweep, Path file, Configuration configuration) {
        try {
            Storage storage = Storage.of(sweep.root(), configuration);
            return storage.exists(file)
                    ? Optional.of(new String(storage.read(file), StandardCharsets.UTF_8))
                    : Optional.empty();
        } catch (IOException unreadable) {
            throw new UserError(file + ": cannot be read (" + unreadable.getMessage() + ")", unreadable);
        }
    }
}
