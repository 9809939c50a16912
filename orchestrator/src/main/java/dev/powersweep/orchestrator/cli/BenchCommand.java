package dev.powersweep.orchestrator.cli;

import picocli.CommandLine;
import picocli.CommandLine.Command;

/** {@code powersweep bench}: measurements that anybody can repeat. */
@Command(
        name = "bench",
        mixinStandardHelpOptions = true,
        synopsisSubcommandLabel = "WHAT",
        description = "Measures PowerSweep itself on this machine.",
        subcommands = {BenchScheduleCommand.class, BenchLedgerCommand.class})
public final class BenchCommand implements Runnable {
    @CommandLine.Spec
    private CommandLine.Model.CommandSpec command;

    @Override
    public void run() {
        throw new CommandLine.ParameterException(
                command.commandLine(), "which measurement? See powersweep bench --help for the list.");
    }
}
