package dev.powersweep.orchestrator.cli;

import picocli.CommandLine;
import picocli.CommandLine.Command;

/** {@code powersweep bench}: measurements that can be repeated. */
@Command(
        name = "bench",
        mixinStandardHelpOptions = true,
        synopsisSubcommandLabel = "WHAT",
        description = "Measures PowerSweep on this machine, also beside what people use today.",
        subcommands = {
            BenchTrainCommand.class,
            BenchFitCommand.class,
            BenchScheduleCommand.class,
            BenchLedgerCommand.class
        })
final class BenchCommand implements Runnable {
    @CommandLine.Spec
    private CommandLine.Model.CommandSpec command;

    @Override
    public void run() {
        throw new CommandLine.ParameterException(
                command.commandLine(), "which measurement? See powersweep bench --help for the list.");
    }
}
