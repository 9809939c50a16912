package dev.powersweep.orchestrator.cli;

import dev.powersweep.fitting.Laws;
import dev.powersweep.fitting.optimise.Objective;
import dev.powersweep.fitting.result.FitOptions;
import dev.powersweep.fitting.runs.FitRefusal;
import dev.powersweep.fitting.uncertainty.Refits;
import dev.powersweep.orchestrator.fits.FitSet;
import dev.powersweep.orchestrator.fits.FitsJson;
import dev.powersweep.orchestrator.fits.FitsText;
import dev.powersweep.orchestrator.fits.Sensitivity;
import dev.powersweep.orchestrator.fits.SweepFitter;
import dev.powersweep.orchestrator.fits.TableFitter;
import dev.powersweep.orchestrator.report.sections.RunsReport;
import dev.powersweep.orchestrator.results.Convention;
import dev.powersweep.orchestrator.runtable.ColumnChoice;
import dev.powersweep.orchestrator.runtable.Duplicates;
import dev.powersweep.orchestrator.runtable.RunTable;
import dev.powersweep.orchestrator.runtable.RunsFile;
import dev.powersweep.orchestrator.storage.LocalFile;
import dev.powersweep.orchestrator.storage.UserError;
import dev.powersweep.orchestrator.text.Shown;
import java.io.PrintWriter;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.concurrent.Callable;
import picocli.CommandLine;
import picocli.CommandLine.Command;
import picocli.CommandLine.Option;
import picocli.CommandLine.Parameters;

/** {@code powersweep fit}: laws from a sweep's results, or from anybody's runs. */
@Command(
        name = "fit",
        mixinStandardHelpOptions = true,
        sortOptions = false,
        description = "Fits scaling laws to a sweep's results, or to a table of runs.")
public final class FitCommand implements Callable<Integer> {
    @CommandLine.Spec
    private CommandLine.Model.CommandSpec command;

    @Parameters(arity = "0..1", paramLabel = "DIR", description = "Directory of a sweep, on any Hadoop file system.")
    private Optional<String> directory = Optional.empty();

    @Option(
            names = "--runs",
            paramLabel = "FILE",
            description = "Runs of your own instead: CSV, JSON, JSON Lines, a Markdown table or Parquet, a row per run;"
                    + " also what Weights and Biases exports.")
    private Optional<Path> runs = Optional.empty();

    @Option(
            names = "--columns",
            split = ",",
            paramLabel = "quantity=header",
            description = "Which header stands for which quantity (n, d, loss, b, s, c, u, lr, run, step, weight; of"
                    + " branches: branch, loss_error), with an optional factor: n=params_M*1e6,d=tokens,loss=val_loss,b=seqs*ctx_len; loss=ln(ppl) takes the"
                    + " logarithm of perplexities. c=none says that there is no such column, run=none that every row is a"
                    + " run.")
    private List<String> columns = new ArrayList<>();

    @Option(
            names = "--where",
            paramLabel = "header=value",
            description = "Keep only rows of the file whose cell has this value; may be repeated.")
    private Map<String, String> where = new LinkedHashMap<>();

    @Option(
            names = "--every-row",
            description =
                    "Fit every run where runs of one model and data size differ in rates, batches or other settings;"
                            + " default: of each the best, for laws that know no such setting.")
    private boolean everyRow;

    @Option(
            names = "--duplicates",
            paramLabel = "KIND",
            description = "Rows of the file that repeat each other: refuse (default), drop all but the first of equal"
                    + " rows, or mean, one row for those that differ in nothing but the loss.")
    private Optional<String> duplicates = Optional.empty();

    @Option(
            names = "--convention",
            paramLabel = "COUNT",
            description =
                    "How a sweep's parameters are counted: non-embedding (default), total, or exact-flops (a sixth of"
                            + " the exact FLOPs per token). Another than the default is printed and not kept in DIR.")
    private Optional<String> convention = Optional.empty();

    @Option(
            names = "--sensitivity",
            description =
                    "Print, instead of the fits, one table of a law in N and D (the first of --law, else chinchilla)"
                            + " refitted under other objectives, δ and counts of parameters, without the smallest scales, and"
                            + " beside other laws.")
    private boolean sensitivity;

    @Option(
            names = "--law",
            paramLabel = "NAME",
            split = ",",
            description = "Law to fit; may be repeated. Default: all that the runs allow.")
    private List<String> laws = new ArrayList<>();

    @Option(
            names = "--objective",
            paramLabel = "NAME",
            description = "huber-log (default), huber-raw, mse-log or mse-raw.")
    private String objective = "huber-log";

    @Option(names = "--delta", paramLabel = "δ", description = "Huber's threshold; default 0.001.")
    private double delta = FitOptions.defaults().delta();

    @Option(
            names = "--bootstrap",
            paramLabel = "K",
            description = "Refits for intervals, 0 for none; default ${DEFAULT-VALUE}.")
    private int bootstrap = 1000;

    @Option(
            names = "--resampling",
            paramLabel = "KIND",
            description = "RUNS (default of --runs), RESIDUAL (default of a sweep: the grid stays) or PARAMETRIC.")
    private Optional<FitOptions.Resampling> resampling = Optional.empty();

    @Option(names = "--profiles", description = "Add the profile likelihood of every parameter.")
    private boolean profiles;

    @Option(names = "--seed", paramLabel = "S", description = "Of the bootstrap; default ${DEFAULT-VALUE}.")
    private long seed = 1;

    @Option(names = "--threads", paramLabel = "T", description = "Default: every processor.")
    private int threads = Runtime.getRuntime().availableProcessors();

    @Option(
            names = "--master",
            paramLabel = "URL",
            description = "Spread the bootstrap over the executors of this Spark master, as in spark://host:7077; the"
                    + " result is the same.")
    private Optional<String> master = Optional.empty();

    @Option(
            names = "--output",
            paramLabel = "DIR",
            description = "Write fits.json and report.html (plots with bands) here as well.")
    private Optional<Path> output = Optional.empty();

    @Option(names = "--json", description = "Print JSON instead of text.")
    private boolean json;

    @Override
    public Integer call() {
        if (runs.isPresent() == directory.isPresent()) {
            throw new CommandLine.ParameterException(
                    command.commandLine(), "give either the directory of a sweep or --runs FILE");
        }
        try {
            laws.forEach(Laws::byName);
            if (sensitivity) {
                return moved();
            }
            print(master.isPresent() ? Sessions.fitting(master.get(), this::fit) : fit(Refits.Runner.HERE));
        } catch (FitRefusal refusal) {
            throw new UserError(refusal.sentence(), refusal);
        }
        return CommandLine.ExitCode.OK;
    }

    private int moved() {
        if (json || output.isPresent() || master.isPresent()) {
            throw new CommandLine.ParameterException(
                    command.commandLine(), "--sensitivity prints a table: no --json, --output or --master with it");
        }
        Sensitivity table = directory.isPresent()
                ? Sensitivity.of(
                        FittedSweep.results(ownOptions(directory.get())),
                        laws,
                        options(SweepFitter.options().resampling()),
                        count())
                : Sensitivity.of(table(runs.orElseThrow()), laws, everyRow, options(FitOptions.Resampling.RUNS));
        command.commandLine().getOut().print(table.text());
        command.commandLine().getOut().flush();
        return CommandLine.ExitCode.OK;
    }

    private Convention count() {
        return convention.map(Convention::byName).orElse(Convention.NON_EMBEDDING);
    }

    private RunTable table(Path file) {
        if (convention.isPresent()) {
            throw new CommandLine.ParameterException(
                    command.commandLine(),
                    "--convention belongs to a sweep; for --runs, say which column counts the parameters with --columns n=…");
        }
        return RunsFile.read(
                file,
                ColumnChoice.parse(columns),
                where,
                duplicates.map(Duplicates::byName).orElse(Duplicates.REFUSE));
    }

    private FitSet fit(Refits.Runner refits) {
        return directory.isPresent() ? ofSweep(directory.get(), refits) : ofRuns(runs.orElseThrow(), refits);
    }

    private FitSet ofRuns(Path file, Refits.Runner refits) {
        FitSet fits = TableFitter.fit(table(file), laws, everyRow, options(FitOptions.Resampling.RUNS), refits);
        output.ifPresent(path -> {
            LocalFile.replace(path.resolve("fits.json"), FitsJson.write(fits, FitsJson.Detail.FULL));
            LocalFile.replace(path.resolve("report.html"), RunsReport.html(fits));
        });
        return fits;
    }

    private FitSet ofSweep(String sweep, Refits.Runner refits) {
        FitOptions options = options(SweepFitter.options().resampling());
        return count() == Convention.NON_EMBEDDING
                ? FittedSweep.fit(ownOptions(sweep), laws, options, refits)
                : FittedSweep.recounted(ownOptions(sweep), laws, options, count(), refits);
    }

    /** The sweep's directory, where no option was given that belongs to a file. */
    private String ownOptions(String sweep) {
        if (output.isPresent() || !columns.isEmpty() || !where.isEmpty() || everyRow || duplicates.isPresent()) {
            throw new CommandLine.ParameterException(
                    command.commandLine(),
                    "--output, --columns, --where, --every-row and --duplicates belong to --runs; a sweep's fits are"
                            + " written to its own directory");
        }
        return sweep;
    }

    private FitOptions options(FitOptions.Resampling usual) {
        FitOptions options = FitOptions.defaults()
                .objective(Objective.byName(objective))
                .delta(delta)
                .bootstrap(bootstrap)
                .resampling(resampling.orElse(usual))
                .seed(seed)
                .threads(threads);
        return profiles ? options.profiles() : options;
    }

    private void print(FitSet fits) {
        PrintWriter out = command.commandLine().getOut();
        out.print(json ? Shown.json(FitsJson.write(fits, FitsJson.Detail.SUMMARY)) : FitsText.write(fits));
        out.flush();
        if (fits.fitted().isEmpty()) {
            throw new UserError("none of the laws could be fitted: "
                    + fits.refused().stream()
                            .map(refused -> refused.law() + ": " + refused.sentence())
                            .findFirst()
                            .orElse("the runs have the columns of none; name them with --columns"));
        }
    }
}
