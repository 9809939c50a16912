package dev.powersweep.orchestrator.cli;

import picocli.CommandLine;
import picocli.CommandLine.Command;

/** {@code powersweep trainer}: for those who write programs that train cells. */
@Command(
        name = "trainer",
        mixinStandardHelpOptions = true,
        synopsisSubcommandLabel = "WHAT",
        description = "For programs of your own that train the cells (docs/any-trainer.md).",
        subcommands = TrainerCheckCommand.class)
final class TrainerGroup implements Runnable {
    @CommandLine.Spec
    private CommandLine.Model.CommandSpec command;

    @Override
    public void run() {
        throw new CommandLine.ParameterException(
                command.commandLine(), "what of it? powersweep trainer check SPEC.yaml tries a program.");
    }
}
