package dev.powersweep.orchestrator.cli;

import java.io.PrintWriter;
import java.util.concurrent.Callable;
import picocli.CommandLine;
import picocli.CommandLine.Command;
import picocli.CommandLine.Parameters;

/** {@code powersweep report}: the laws of a sweep and every plot, as one page. */
@Command(
        name = "report",
        mixinStandardHelpOptions = true,
        description = "Fits the laws of a sweep and writes DIR/report.html, one page with every plot that loads nothing"
                + " from anywhere.")
public final class ReportCommand implements Callable<Integer> {
    @CommandLine.Spec
    private CommandLine.Model.CommandSpec command;

    @Parameters(arity = "1", paramLabel = "DIR", description = "Directory of a sweep, on any Hadoop file system.")
    private String directory = "";

    @Override
    public Integer call() {
        FittedSweep.Made made = FittedSweep.report(directory);
        SweepEnd.tellSample(made, command.commandLine().getErr());
        PrintWriter out = command.commandLine().getOut();
        out.println(made.report());
        out.flush();
        return CommandLine.ExitCode.OK;
    }
}
