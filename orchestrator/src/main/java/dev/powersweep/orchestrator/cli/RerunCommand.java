package dev.powersweep.orchestrator.cli;

import dev.powersweep.orchestrator.dispatch.CellRecord;
import dev.powersweep.orchestrator.dispatch.SweepState;
import dev.powersweep.orchestrator.driver.SweepRunner;
import dev.powersweep.orchestrator.driver.SweepSummary;
import dev.powersweep.orchestrator.driver.Trust;
import dev.powersweep.orchestrator.ledger.LedgerReader;
import dev.powersweep.orchestrator.plan.RunPolicy;
import dev.powersweep.orchestrator.publish.TerminalProgress;
import dev.powersweep.orchestrator.spark.ExecutorWait;
import dev.powersweep.orchestrator.storage.SweepDirectory;
import dev.powersweep.orchestrator.storage.UserError;
import dev.powersweep.worker.cell.CellState;
import java.io.IOException;
import java.nio.file.FileSystems;
import java.nio.file.Path;
import java.nio.file.PathMatcher;
import java.util.Optional;
import java.util.concurrent.Callable;
import java.util.function.Predicate;
import java.util.stream.Collectors;
import org.apache.hadoop.conf.Configuration;
import org.apache.spark.api.java.JavaSparkContext;
import org.apache.spark.sql.SparkSession;
import picocli.CommandLine;
import picocli.CommandLine.ArgGroup;
import picocli.CommandLine.Command;
import picocli.CommandLine.Option;
import picocli.CommandLine.Parameters;

/** {@code powersweep rerun}: goes on with a stored sweep. */
@Command(
        name = "rerun",
        mixinStandardHelpOptions = true,
        sortOptions = false,
        description = "Goes on with a stored sweep: by default with every cell that has neither finished nor diverged.")
public final class RerunCommand implements Callable<Integer> {
    @CommandLine.Spec
    private CommandLine.Model.CommandSpec command;

    @Parameters(arity = "1", paramLabel = "DIR", description = "Directory of a sweep, on any Hadoop file system.")
    private String sweep = "";

    @ArgGroup(exclusive = true)
    private Choice choice = new Choice();

    @Option(names = "--master", paramLabel = "URL", description = "Spark master. Default: local[*].")
    private Optional<String> master = Optional.empty();

    @Option(
            names = "--trust",
            description = "Run the programs, and trainers on the Java, that DIR names. Without it rerun shows them and"
                    + " refuses.")
    private boolean trusted;

    @Option(names = "--quiet", description = "Show no progress; failures, warnings and results are told as ever.")
    private boolean quiet;

    static final class Choice {
        @Option(names = "--failed", description = "Only cells that failed; each goes on from its checkpoint.")
        private boolean failed;

        @Option(
                names = "--cells",
                paramLabel = "GLOB",
                description =
                        "Cells whose name or id matches, e.g. \"n786k-*\"; those that have finished or diverged are"
                                + " trained afresh.")
        private Optional<String> cells = Optional.empty();
    }

    @Override
    public Integer call() throws InterruptedException, IOException {
        Configuration configuration = HadoopSettings.configuration();
        SweepDirectory directory = SweepDirectory.at(sweep, configuration);
        SweepState state = LedgerReader.open(directory, configuration);
        Predicate<CellRecord> chosen = chosen(state);
        SweepRunner.refuseWhileDrivenHere(directory, configuration);
        RunPolicy policy = state.submitted().orElseThrow().policy();
        Trust trust = trusted ? Trust.GIVEN : Trust.NONE;
        trust.require(
                directory,
                policy,
                state.cells().stream()
                        .filter(chosen)
                        .flatMap(cell -> cell.cell().program().stream())
                        .toList());
        String name = state.submitted().orElseThrow().sweep();
        try (SparkSession session = Sessions.forSweep(name, master, CellNeeds.of(policy))) {
            JavaSparkContext spark = JavaSparkContext.fromSparkContext(session.sparkContext());
            ExecutorWait.all(spark);
            SweepSummary summary = new SweepRunner(spark)
                    .rerun(
                            directory,
                            chosen,
                            trust,
                            new TerminalProgress(System.err, TerminalProgress.Manner.of(quiet)));
            return SweepEnd.tell(
                    summary,
                    directory,
                    configuration,
                    spark.isLocal() ? BestSample.When.NOW : BestSample.When.LATER,
                    command.commandLine());
        }
    }

    private Predicate<CellRecord> chosen(SweepState state) {
        if (choice.failed) {
            return cell -> cell.state() == CellState.FAILED;
        }
        if (choice.cells.isEmpty()) {
            return cell -> cell.state() != CellState.FINISHED && cell.state() != CellState.DIVERGED;
        }
        String glob = choice.cells.get();
        PathMatcher matcher;
        try {
            matcher = FileSystems.getDefault().getPathMatcher("glob:" + glob);
        } catch (IllegalArgumentException e) {
            throw new UserError("--cells " + glob + " is no glob: " + e.getMessage(), e);
        }
        Predicate<CellRecord> matching = cell -> matcher.matches(Path.of(cell.name()))
                || matcher.matches(Path.of(cell.cell().id()));
        if (state.cells().stream().noneMatch(matching)) {
            throw new UserError("--cells " + glob + " matches none of the sweep's "
                    + state.cells().size()
                    + " cells, which are named like "
                    + state.cells().stream().limit(3).map(CellRecord::name).collect(Collectors.joining(", ")));
        }
        return matching;
    }
}
