package dev.powersweep.orchestrator.cli;

import dev.powersweep.orchestrator.corpus.CorpusPreparer;
import dev.powersweep.orchestrator.design.DesignAnswers;
import dev.powersweep.orchestrator.design.DesignText;
import dev.powersweep.orchestrator.design.FirstRates;
import dev.powersweep.orchestrator.design.SweepDesigner;
import dev.powersweep.orchestrator.driver.SweepRunner;
import dev.powersweep.orchestrator.driver.SweepSummary;
import dev.powersweep.orchestrator.grid.CorpusFacts;
import dev.powersweep.orchestrator.plan.DryRun;
import dev.powersweep.orchestrator.plan.Forecast;
import dev.powersweep.orchestrator.plan.Slots;
import dev.powersweep.orchestrator.plan.StepRate;
import dev.powersweep.orchestrator.plan.SweepPlan;
import dev.powersweep.orchestrator.plan.SweepPlanner;
import dev.powersweep.orchestrator.publish.TerminalProgress;
import dev.powersweep.orchestrator.shipment.ListenerFiles;
import dev.powersweep.orchestrator.shipment.ProgramFiles;
import dev.powersweep.orchestrator.spark.ExecutorWait;
import dev.powersweep.orchestrator.spec.CorpusSpec;
import dev.powersweep.orchestrator.spec.SweepSpec;
import dev.powersweep.orchestrator.spec.SweepSpecReader;
import dev.powersweep.orchestrator.spec.TrainerSpec;
import dev.powersweep.orchestrator.storage.SweepDirectory;
import dev.powersweep.orchestrator.text.Shown;
import dev.powersweep.worker.cell.Program;
import java.io.IOException;
import java.io.PrintWriter;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import java.util.OptionalInt;
import java.util.concurrent.Callable;
import java.util.function.UnaryOperator;
import org.apache.hadoop.conf.Configuration;
import org.apache.spark.api.java.JavaSparkContext;
import org.apache.spark.sql.SparkSession;
import picocli.CommandLine;
import picocli.CommandLine.Command;
import picocli.CommandLine.Option;
import picocli.CommandLine.Parameters;

/** {@code powersweep run}: from a specification to laws and report. */
@Command(
        name = "run",
        mixinStandardHelpOptions = true,
        sortOptions = false,
        description = "Trains what a specification asks for and its directory does not hold yet, then fits the laws and"
                + " writes the report.")
public final class RunCommand implements Callable<Integer> {
    @CommandLine.Spec
    private CommandLine.Model.CommandSpec command;

    @Parameters(arity = "1", paramLabel = "SPEC.yaml", description = "The sweep's specification.")
    private String specification = "";

    @Option(
            names = "--output",
            paramLabel = "DIR",
            description = "Where results go, on any Hadoop file system. Default: output in the specification, or"
                    + " sweeps/NAME.")
    private Optional<String> output = Optional.empty();

    @Option(names = "--master", paramLabel = "URL", description = "Spark master. Default: local[*].")
    private Optional<String> master = Optional.empty();

    @Option(
            names = "--set",
            paramLabel = "key=value",
            description = "Overrides a key of the specification, e.g. training.learningRate=0.001; may be repeated.")
    private List<String> overrides = new ArrayList<>();

    @Option(names = "--quiet", description = "Show no progress; failures, warnings and results are told as ever.")
    private boolean quiet;

    @Option(names = "--dry-run", description = "Print the cells and what they would take; train nothing.")
    private boolean dryRun;

    @Option(names = "--json", description = "With --dry-run: print JSON.")
    private boolean json;

    @Override
    public Integer call() throws InterruptedException, IOException {
        if (json && !dryRun) {
            throw new CommandLine.ParameterException(command.commandLine(), "--json goes with --dry-run");
        }
        Configuration configuration = HadoopSettings.configuration();
        SpecificationFile file = SpecificationFile.of(specification, configuration);
        SweepSpec asked = SweepSpecReader.read(file.text(configuration), specification, overrides);
        SweepDirectory directory =
                SweepDirectory.at(output.or(asked::output).orElse("sweeps/" + asked.name()), configuration);
        // Before Spark starts and a corpus is written.
        WritableDirectory.refuseFile(directory, configuration);
        SweepRunner.holds(directory, configuration, asked.name());
        if (!dryRun) {
            SweepRunner.refuseWhileDrivenHere(directory, configuration);
        }
        try (SparkSession session = Sessions.forSweep(asked.name(), master, CellNeeds.of(asked.resources()))) {
            JavaSparkContext spark = JavaSparkContext.fromSparkContext(session.sparkContext());
            if (!dryRun) {
                SweepRunner.refuseGpusOnLocalMaster(
                        spark.master(), asked.resources().gpus());
            }
            ExecutorWait.first(spark);
            Optional<ProgramFiles> files = asked.trainer()
                    .map(trainer -> ProgramFiles.read(trainer, file.path().getParent(), configuration));
            Optional<Program> program = files.map(ProgramFiles::program);
            Optional<ListenerFiles> listeners = asked.run()
                    .listeners()
                    .map(named -> ListenerFiles.read(named, file.path().getParent(), configuration));
            boolean tokens = !(asked.corpus().source() instanceof CorpusSpec.Source.None);
            Optional<CorpusPreparer> corpus =
                    tokens ? Optional.of(CorpusPreparer.open(session, asked)) : Optional.empty();
            CorpusFacts facts = corpus.map(each -> each.facts(Optional.of(directory)))
                    .orElseGet(() -> CorpusFacts.none(asked.trainer()
                            .map(TrainerSpec::vocabulary)
                            .orElse(OptionalInt.empty())
                            .orElse(0)));
            ExecutorWait.all(spark);
            Slots slots = Sessions.slots(spark);
            DesignStage stage = new DesignStage(spark, facts, slots);
            SweepSpec settled = stage.settled(asked, directory, configuration);
            Optional<DesignStage.Made> made =
                    settled.grid().undesigned() ? Optional.of(stage.design(settled, directory)) : Optional.empty();
            SweepSpec spec = made.map(DesignStage.Made::spec).orElse(settled);
            List<StepRate> rates =
                    made.flatMap(DesignStage.Made::rates).orElseGet(() -> stage.rates(spec, program, directory));
            Forecast forecast = new SweepPlanner(rates).forecast(spec, facts, program, slots);
            made.flatMap(designed -> SweepDesigner.unspent(spec, forecast))
                    .ifPresent(
                            sentence -> command.commandLine().getErr().println("warning: " + Shown.message(sentence)));
            if (dryRun) {
                print(spec, forecast);
                return CommandLine.ExitCode.OK;
            }
            SweepRunner.refuseAnother(directory, configuration, forecast.plan());
            // All checks have passed; the first byte is written from here on.
            WritableDirectory.require(directory, configuration);
            corpus.ifPresent(each -> each.prepare(directory));
            files.ifPresent(each -> each.store(directory, configuration));
            listeners.ifPresent(each -> each.store(directory, configuration));
            forecast.warnings()
                    .forEach(warning -> command.commandLine().getErr().println("warning: " + Shown.message(warning)));
            PilotStage trained = new PilotStage(
                    new SweepRunner(spark)::run,
                    directory,
                    configuration,
                    () -> new TerminalProgress(System.err, TerminalProgress.Manner.of(quiet)),
                    command.commandLine().getErr());
            UnaryOperator<SweepPlan> seen =
                    plan -> listeners.map(each -> plan.seenBy(each.listeners())).orElse(plan);
            SweepSummary summary = trained.run(
                    spec,
                    seen.apply(forecast.plan()),
                    design -> seen.apply(new SweepPlanner(rates)
                            .forecast(design, facts, program, slots)
                            .plan()));
            return SweepEnd.tell(
                    summary,
                    directory,
                    configuration,
                    spark.isLocal() ? BestSample.When.NOW : BestSample.When.LATER,
                    command.commandLine());
        }
    }

    private void print(SweepSpec spec, Forecast forecast) {
        PrintWriter out = command.commandLine().getOut();
        Optional<DesignAnswers> answers = spec.grid().design().map(design -> DesignAnswers.of(spec, forecast));
        if (json) {
            out.println(Shown.json(DryRun.json(forecast, answers.map(DesignText::json))));
        } else {
            out.println(DryRun.text(forecast));
            answers.map(DesignText::text).ifPresent(out::print);
            if (FirstRates.outstanding(spec)) {
                out.println(FirstRates.before(forecast.plan()));
            }
        }
        out.flush();
    }
}
