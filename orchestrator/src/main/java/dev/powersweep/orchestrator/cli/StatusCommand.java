package dev.powersweep.orchestrator.cli;

import dev.powersweep.orchestrator.ledger.SweepStatus;
import dev.powersweep.orchestrator.storage.SweepDirectory;
import dev.powersweep.orchestrator.text.Shown;
import java.io.PrintWriter;
import java.util.concurrent.Callable;
import org.apache.hadoop.conf.Configuration;
import picocli.CommandLine;
import picocli.CommandLine.Command;
import picocli.CommandLine.Option;
import picocli.CommandLine.Parameters;

/** {@code powersweep status}: where a sweep stands, whether its driver lives or not; starts no Spark. */
@Command(
        name = "status",
        mixinStandardHelpOptions = true,
        description = "Shows where a sweep stands: cells by state, failures by class, tokens/s, time to go. Needs no"
                + " living driver.")
public final class StatusCommand implements Callable<Integer> {
    @CommandLine.Spec
    private CommandLine.Model.CommandSpec command;

    @Parameters(arity = "1", paramLabel = "DIR", description = "Directory of a sweep, on any Hadoop file system.")
    private String sweep = "";

    @Option(names = "--json", description = "Print JSON instead of text.")
    private boolean json;

    @Override
    public Integer call() {
        Configuration configuration = HadoopSettings.configuration();
        SweepStatus status = SweepStatus.read(SweepDirectory.at(sweep, configuration), configuration);
        PrintWriter out = command.commandLine().getOut();
        out.println(json ? Shown.json(status.json()) : StatusText.of(status));
        out.flush();
        return CommandLine.ExitCode.OK;
    }
}
