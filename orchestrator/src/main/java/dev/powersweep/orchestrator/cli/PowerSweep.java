package dev.powersweep.orchestrator.cli;

import dev.powersweep.orchestrator.storage.UserError;
import org.apache.logging.log4j.LogManager;
import org.apache.logging.log4j.Logger;
import picocli.CommandLine;
import picocli.CommandLine.Command;
import picocli.CommandLine.ExitCode;

/** The command line: {@code powersweep COMMAND …}. Results go to standard output, logs and progress to standard error. */
@Command(
        name = "powersweep",
        mixinStandardHelpOptions = true,
        versionProvider = PowerSweep.Version.class,
        synopsisSubcommandLabel = "COMMAND",
        description = "Trains a grid of language models on Spark, fits scaling laws, and says what to train next.",
        subcommands = {
            RunCommand.class,
            StatusCommand.class,
            RerunCommand.class,
            QueryCommand.class,
            FitCommand.class,
            ReportCommand.class,
            PlanCommand.class,
            DoctorCommand.class,
            BenchCommand.class
        })
public final class PowerSweep implements Runnable {
    private static final Logger LOG = LogManager.getLogger(PowerSweep.class);

    @CommandLine.Spec
    private CommandLine.Model.CommandSpec command;

    public static void main(String[] arguments) {
        System.exit(execute(arguments));
    }

    /** Runs one command and returns its exit code: 0 only on success, 2 for a wrong command line, 1 otherwise. */
    static int execute(String... arguments) {
        return commandLine().execute(arguments);
    }

    static CommandLine commandLine() {
        return new CommandLine(new PowerSweep())
                .setCaseInsensitiveEnumValuesAllowed(true)
                .setExecutionExceptionHandler((failure, commandLine, parsed) -> {
                    if (failure instanceof UserError) {
                        commandLine.getErr().println("powersweep: " + failure.getMessage());
                        LOG.debug("refused", failure);
                    } else {
                        commandLine.getErr().println("powersweep: unexpected failure: " + failure);
                        LOG.error("unexpected failure of {}", commandLine.getCommandName(), failure);
                    }
                    return ExitCode.SOFTWARE;
                });
    }

    @Override
    public void run() {
        throw new CommandLine.ParameterException(
                command.commandLine(), "which command? See powersweep --help for the list.");
    }

    static final class Version implements CommandLine.IVersionProvider {
        @Override
        public String[] getVersion() {
            String version = PowerSweep.class.getPackage().getImplementationVersion();
            return new String[] {"powersweep " + (version == null ? "(unpackaged)" : version)};
        }
    }
}
