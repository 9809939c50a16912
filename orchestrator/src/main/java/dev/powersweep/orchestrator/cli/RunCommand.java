package dev.powersweep.orchestrator.cli;

import dev.powersweep.orchestrator.corpus.CorpusFacts;
import dev.powersweep.orchestrator.corpus.CorpusPreparer;
import dev.powersweep.orchestrator.corpus.PreparedCorpus;
import dev.powersweep.orchestrator.plan.DryRun;
import dev.powersweep.orchestrator.plan.Forecast;
import dev.powersweep.orchestrator.plan.SweepPlanner;
import dev.powersweep.orchestrator.run.SweepRunner;
import dev.powersweep.orchestrator.run.SweepSummary;
import dev.powersweep.orchestrator.spec.SweepSpec;
import dev.powersweep.orchestrator.spec.SweepSpecReader;
import dev.powersweep.orchestrator.storage.SweepDirectory;
import dev.powersweep.orchestrator.storage.UserError;
import java.io.PrintWriter;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import java.util.concurrent.Callable;
import org.apache.hadoop.conf.Configuration;
import org.apache.logging.log4j.LogManager;
import org.apache.logging.log4j.Logger;
import org.apache.spark.sql.SparkSession;
import picocli.CommandLine;
import picocli.CommandLine.Command;
import picocli.CommandLine.Option;
import picocli.CommandLine.Parameters;

/** {@code powersweep run}: a specification from its text to its report. */
@Command(
        name = "run",
        mixinStandardHelpOptions = true,
        sortOptions = false,
        description = "Trains what a sweep's specification asks for and its directory does not hold yet, fits the laws and"
                + " writes the report. Submit it again at any time: what has ended is never trained twice.")
public final class RunCommand implements Callable<Integer> {
    private static final Logger LOG = LogManager.getLogger(RunCommand.class);

    @CommandLine.Spec
    private CommandLine.Model.CommandSpec command;

    @Parameters(arity = "1", paramLabel = "SPEC.yaml", description = "The sweep's specification; see docs/spec.md.")
    private String specification = "";

    @Option(
            names = "--output",
            paramLabel = "DIR",
            description = "The sweep's directory, on any Hadoop file system; the specification's own output, or"
                    + " runs/NAME, where not given.")
    private Optional<String> output = Optional.empty();

    @Option(names = "--master", paramLabel = "URL", description = "Spark master; local[*] where none is given.")
    private Optional<String> master = Optional.empty();

    @Option(
            names = "--set",
            paramLabel = "key=value",
            description = "Puts a value in place of the specification's; may be repeated.")
    private List<String> overrides = new ArrayList<>();

    @Option(
            names = "--dry-run",
            description = "Print the cells with parameters, tokens, steps, FLOPs, memory and predicted time, and train"
                    + " nothing.")
    private boolean dryRun;

    @Option(names = "--json", description = "Print the dry run as JSON.")
    private boolean json;

    @Override
    public Integer call() throws InterruptedException {
        SweepSpec spec = SpecFile.read(specification, overrides);
        try (SparkSession session = SparkSessions.forSweep(
                spec.name(), master, spec.resources().threads(), spec.resources().gpus())) {
            Configuration configuration = session.sparkContext().hadoopConfiguration();
            SweepDirectory directory = SweepDirectory.at(
                    output.or(spec::output).orElse("runs/" + spec.name()), configuration);
            return dryRun ? dryRun(spec, session, directory) : run(spec, session, directory, configuration);
        }
    }

    private int dryRun(SweepSpec spec, SparkSession session, SweepDirectory directory) {
        CorpusFacts corpus = CorpusPreparer.facts(session, spec, Optional.of(directory));
        Forecast forecast = new SweepPlanner().forecast(spec, corpus, SparkSessions.slots(session));
        PrintWriter out = command.commandLine().getOut();
        out.println(json ? DryRun.json(forecast) : DryRun.text(forecast));
        out.flush();
        return CommandLine.ExitCode.OK;
    }

    private int run(SweepSpec spec, SparkSession session, SweepDirectory directory, Configuration configuration)
            throws InterruptedException {
        // Everything that can be refused is refused before the first byte is written.
        SweepRunner.holds(directory, configuration, spec.name());
        CorpusFacts expected = CorpusPreparer.facts(session, spec, Optional.of(directory));
        new SweepPlanner().plan(spec, expected, SparkSessions.slots(session));
        WritableDirectory.require(directory, configuration);

        PreparedCorpus corpus = CorpusPreparer.prepare(session, spec, directory);
        Forecast forecast = new SweepPlanner().forecast(spec, corpus.facts(), SparkSessions.slots(session));
        forecast.warnings().forEach(warning -> LOG.warn("{}", warning));
        SweepSummary summary = new SweepRunner(SparkSessions.java(session))
                .run(forecast.plan(), directory, SweepEnding.progress());
        return SweepEnding.conclude(summary, directory, configuration, command.commandLine().getOut());
    }

    /** The specification's text, from any Hadoop file system. */
    private static final class SpecFile {
        static SweepSpec read(String location, List<String> overrides) {
            org.apache.hadoop.fs.Path path = new org.apache.hadoop.fs.Path(location);
            try (var in = path.getFileSystem(new Configuration()).open(path)) {
                String text = new String(in.readAllBytes(), java.nio.charset.StandardCharsets.UTF_8);
                return SweepSpecReader.read(text, location, overrides);
            } catch (java.io.FileNotFoundException e) {
                throw new UserError("there is no specification " + location + "; name a YAML file", e);
            } catch (java.io.IOException e) {
                throw new UserError("cannot read the specification " + location + ": " + e.getMessage(), e);
            }
        }
    }
}
