package dev.powersweep.orchestrator.cli;

import picocli.CommandLine;
import picocli.CommandLine.Command;

/** {@code powersweep bench}: how fast PowerSweep is beside what people use today. */
@Command(
        name = "bench",
        mixinStandardHelpOptions = true,
        synopsisSubcommandLabel = "COMMAND",
        description = "Measures PowerSweep beside what people use today.",
        subcommands = {BenchTrainCommand.class, BenchFitCommand.class})
final class BenchCommand implements Runnable {
    @CommandLine.Spec
    private CommandLine.Model.CommandSpec command;

    @Override
    public void run() {
        throw new CommandLine.ParameterException(
                command.commandLine(), "which benchmark? See powersweep bench --help for the list.");
    }
}
