package dev.powersweep.orchestrator.cli;

import dev.powersweep.fitting.result.FitOptions;
import dev.powersweep.fitting.uncertainty.Refits;
import dev.powersweep.orchestrator.budget.GridSizes;
import dev.powersweep.orchestrator.budget.SlotSpeed;
import dev.powersweep.orchestrator.dispatch.AttemptReport;
import dev.powersweep.orchestrator.dispatch.CellRecord;
import dev.powersweep.orchestrator.fits.Asked;
import dev.powersweep.orchestrator.fits.FitSet;
import dev.powersweep.orchestrator.fits.FitsJson;
import dev.powersweep.orchestrator.fits.FitsStore;
import dev.powersweep.orchestrator.fits.SweepFitter;
import dev.powersweep.orchestrator.ledger.LedgerReader;
import dev.powersweep.orchestrator.report.sections.ReportStage;
import dev.powersweep.orchestrator.results.Convention;
import dev.powersweep.orchestrator.results.SweepReader;
import dev.powersweep.orchestrator.results.SweepResults;
import dev.powersweep.orchestrator.storage.Storage;
import dev.powersweep.orchestrator.storage.SweepDirectory;
import dev.powersweep.orchestrator.storage.UserError;
import dev.powersweep.orchestrator.tables.CellsTable;
import dev.powersweep.worker.cell.Cell;
import dev.powersweep.worker.cell.CellJson;
import dev.powersweep.worker.cell.DataRule;
import dev.powersweep.worker.cell.ModelCounts;
import dev.powersweep.worker.cell.Program;
import dev.powersweep.worker.shard.ShardManifest;
import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.time.Instant;
import java.util.ArrayList;
import java.util.List;
import java.util.NavigableMap;
import java.util.Optional;
import java.util.OptionalDouble;
import java.util.OptionalLong;
import java.util.Set;
import java.util.TreeMap;
import java.util.stream.Collectors;
import org.apache.hadoop.conf.Configuration;
import org.apache.hadoop.fs.Path;

/** The laws and the report of a sweep in its directory. Apart from the commands, so that fitting a CSV file loads no Hadoop. */
final class FittedSweep {
    /**
     * What {@link #fitAndReport} has made.
     *
     * @param withoutSample why the report shows no text of the best cell, where one was to be expected
     */
    record Made(FitSet fits, Path report, Optional<String> withoutSample) {}

    private FittedSweep() {}

    static FitSet fit(String directory, List<String> laws, FitOptions options, Refits.Runner refits) {
        Configuration configuration = HadoopSettings.configuration();
        SweepDirectory sweep = SweepDirectory.at(directory, configuration);
        CellsTable.refresh(sweep, configuration);
        FitSet fits = SweepFitter.fit(SweepReader.read(sweep, configuration), laws, options, refits);
        FitsStore.replace(sweep, configuration, fits, Instant.now());
        return fits;
    }

    /** Fits under another count of the parameters; what the directory holds, which plans rest on, stays as it is. */
    static FitSet recounted(
            String directory, List<String> laws, FitOptions options, Convention convention, Refits.Runner refits) {
        return SweepFitter.fit(results(directory), laws, options, convention, refits);
    }

    /** Fits every law that the results allow and writes the report. */
    static Made fitAndReport(SweepDirectory sweep, Configuration configuration, BestSample.When when) {
        CellsTable.refresh(sweep, configuration);
        SweepResults results = SweepReader.read(sweep, configuration);
        BestSample sample = BestSample.begin(results, sweep, configuration, when);
        Instant now = Instant.now();
        FitSet fits = SweepFitter.fit(results, List.of(), SweepFitter.options());
        FitsStore.replace(sweep, configuration, fits, now);
        return made(sweep, configuration, results, fits, now, sample);
    }

    private static Made made(
            SweepDirectory sweep,
            Configuration configuration,
            SweepResults results,
            FitSet fits,
            Instant now,
            BestSample sample) {
        BestSample.Drawn drawn = sample.drawn();
        return new Made(fits, ReportStage.run(sweep, configuration, results, fits, now, drawn.text()), drawn.trouble());
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
            return fitAndReport(sweep, configuration, BestSample.When.NOW);
        }
        CellsTable.refresh(sweep, configuration);
        SweepResults results = SweepReader.read(sweep, configuration);
        BestSample sample = BestSample.begin(results, sweep, configuration, BestSample.When.NOW);
        Instant now = Instant.now();
        FitSet fits = SweepFitter.fit(results, asked.get().laws(), asked.get().options());
        if (!FitsJson.write(fits, FitsJson.Detail.FULL).equals(stored.get())) {
            FitsStore.replace(sweep, configuration, fits, now);
        }
        return made(sweep, configuration, results, fits, now, sample);
    }

    /** What a sweep has brought so far; nothing is written. */
    static SweepResults results(String directory) {
        Configuration configuration = HadoopSettings.configuration();
        return SweepReader.read(SweepDirectory.at(directory, configuration), configuration);
    }

    /** The text of a sweep's fits.json. */
    static String fitsJson(String directory) {
        Configuration configuration = HadoopSettings.configuration();
        SweepDirectory sweep = SweepDirectory.at(directory, configuration);
        return text(sweep, sweep.fits(), configuration).orElseThrow(() -> lacking(directory, sweep, configuration));
    }

    /** Why a sweep's fits are not there. */
    private static UserError lacking(String directory, SweepDirectory sweep, Configuration configuration) {
        try {
            if (!sweep.storage(configuration).exists(sweep.root())) {
                return new UserError(directory + ": there is no such file or directory; give a sweep's directory, or"
                        + " the fits.json that powersweep fit --output wrote");
            }
        } catch (IOException unreadable) {
            return new UserError(directory + ": cannot be read (" + unreadable.getMessage() + ")", unreadable);
        }
        return new UserError(directory + ": there are no fits yet; run powersweep fit " + directory + " first");
    }

    /** How the grid of a sweep names the models whose sizes its program has reported. */
    static GridSizes gridSizes(String directory) {
        Configuration configuration = HadoopSettings.configuration();
        SweepDirectory sweep = SweepDirectory.at(directory, configuration);
        NavigableMap<Double, Double> sizes = new TreeMap<>();
        for (CellRecord record : LedgerReader.open(sweep, configuration).cells()) {
            boolean reported = record.cell()
                    .program()
                    .filter(program -> program.parameters() == Program.Parameters.REPORTED)
                    .isPresent();
            OptionalLong grid = record.cell().model().counts().nonEmbedding();
            OptionalLong own = record.last()
                    .flatMap(AttemptReport::size)
                    .map(ModelCounts::nonEmbedding)
                    .orElse(OptionalLong.empty());
            if (reported && grid.isPresent() && own.isPresent()) {
                sizes.put((double) own.getAsLong(), (double) grid.getAsLong());
            }
        }
        return new GridSizes(sizes);
    }

    /** Training tokens of the sweep's text; empty where its cells read none of ours, or several texts. */
    static OptionalDouble corpusTokens(String directory) {
        Configuration configuration = HadoopSettings.configuration();
        SweepDirectory sweep = SweepDirectory.at(directory, configuration);
        Set<String> corpora = LedgerReader.open(sweep, configuration).cells().stream()
                .map(record -> record.cell().data())
                .filter(DataRule::hasCorpus)
                .map(DataRule::corpusHash)
                .collect(Collectors.toSet());
        if (corpora.size() != 1) {
            return OptionalDouble.empty();
        }
        Path manifest = new Path(sweep.corpus(corpora.iterator().next()), ShardManifest.FILE_NAME);
        Optional<String> text = text(sweep, manifest, configuration);
        try {
            return text.isEmpty()
                    ? OptionalDouble.empty()
                    : OptionalDouble.of(CellJson.read(text.get(), ShardManifest.class)
                            .train()
                            .tokens());
        } catch (IllegalArgumentException e) {
            throw new UserError(manifest + ": " + e.getMessage(), e);
        }
    }

    /** How fast the sweep's slots trained its cells. */
    static Optional<SlotSpeed> slotSpeed(String directory) {
        Configuration configuration = HadoopSettings.configuration();
        SweepDirectory sweep = SweepDirectory.at(directory, configuration);
        List<SlotSpeed.Trained> trained = new ArrayList<>();
        for (CellRecord record : LedgerReader.open(sweep, configuration).cells()) {
            Cell cell = record.cell();
            Optional<Double> speed = record.last().flatMap(report -> report.tokensPerSecond(cell));
            ModelCounts size = record.last()
                    .flatMap(AttemptReport::size)
                    .map(own -> own.or(cell.model().counts()))
                    .orElse(cell.model().counts());
            OptionalDouble flops = size.kaplanFlops(1);
            if (speed.isPresent() && speed.get() > 0 && Double.isFinite(speed.get()) && flops.isPresent()) {
                trained.add(new SlotSpeed.Trained(size.n(), flops.getAsDouble() * speed.get()));
            }
        }
        return SlotSpeed.of(trained);
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
            Storage storage = sweep.storage(configuration);
            return storage.exists(file)
                    ? Optional.of(new String(storage.read(file), StandardCharsets.UTF_8))
                    : Optional.empty();
        } catch (IOException unreadable) {
            throw new UserError(file + ": cannot be read (" + unreadable.getMessage() + ")", unreadable);
        }
    }
}
