package dev.powersweep.orchestrator.cli;

import dev.powersweep.orchestrator.executor.host.RunnableFolder;
import dev.powersweep.orchestrator.storage.UserError;
import dev.powersweep.orchestrator.text.Shown;
import java.io.PrintWriter;
import java.util.Arrays;
import java.util.Optional;
import org.apache.logging.log4j.LogManager;
import org.apache.logging.log4j.Logger;
import org.apache.spark.SparkUserAppException;
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
            InitCommand.class,
            RunCommand.class,
            StatusCommand.class,
            ViewCommand.class,
            RerunCommand.class,
            QueryCommand.class,
            FitCommand.class,
            ReportCommand.class,
            PlanCommand.class,
            TrainerGroup.class,
            ExportCommand.class,
            SampleCommand.class,
            DoctorCommand.class,
            BenchCommand.class,
            CompletionCommand.class
        },
        exitCodeListHeading = "%nExit status:%n",
        exitCodeList = {
            "0:All that was asked for is done; a cell that diverged is a result.",
            "1:Not done, or not all of it: refused, stopped, cells failed, or something to mend; the last line says"
                    + " why.",
            "2:The command line is wrong.",
            "130:Ended by Ctrl-C (143: by SIGTERM); what had ended is stored, and rerun goes on."
        })
public final class PowerSweep implements Runnable {
    @CommandLine.Spec
    private CommandLine.Model.CommandSpec command;

    public static void main(String[] arguments) throws SparkUserAppException {
        int status = execute(arguments);
        if (!judgedByItsEnd()) {
            System.exit(status);
        }
        if (status != ExitCode.OK) {
            throw new SparkUserAppException(
                    status, new IllegalStateException("powersweep ended with status " + status));
        }
    }

    /**
     * Whether this runs inside YARN's application master, which takes any exit of its own, 0 too, for a failure and
     * tries again: there main has to return, or to throw.
     */
    private static boolean judgedByItsEnd() {
        return "yarn".equals(System.getProperty("spark.master"))
                && "cluster".equals(System.getProperty("spark.submit.deployMode"));
    }

    /** Runs one command and returns its exit code: 0 only on success, 2 for a wrong command line, 1 otherwise. */
    static int execute(String... arguments) {
        Optional<String> lost = lostCharacters(arguments);
        if (lost.isPresent()) {
            System.err.println("powersweep: " + lost.get());
            return ExitCode.USAGE;
        }
        Optional<CommandLine> only = arguments.length == 0 ? Optional.empty() : only(arguments[0]);
        try {
            return only.isPresent()
                    ? only.get().execute(Arrays.copyOfRange(arguments, 1, arguments.length))
                    : commandLine().execute(arguments);
        } catch (OutOfMemoryError e) {
            System.err.println("powersweep: its " + (Runtime.getRuntime().maxMemory() >> 20)
                    + " MB of heap are full; give it more, e.g. POWERSWEEP_DRIVER_MEMORY=4g (spark-submit:"
                    + " --driver-memory 4g), and submit again: what had ended is stored");
            return ExitCode.SOFTWARE;
        } catch (VirtualMachineError e) {
            System.err.println("powersweep: unexpected failure: " + Shown.line(e.toString()));
            log().error("unexpected failure", e);
            return ExitCode.SOFTWARE;
        } catch (LinkageError e) {
            System.err.println("powersweep: " + RunnableFolder.unlinked(e).orElseThrow(() -> e));
            return ExitCode.SOFTWARE;
        }
    }

    /** A JVM whose locale is POSIX reads every character of its arguments that is not ASCII as U+FFFD. */
    private static Optional<String> lostCharacters(String... arguments) {
        String encoding = System.getProperty("sun.jnu.encoding", "");
        return Arrays.stream(arguments)
                .filter(argument -> argument.indexOf('\ufffd') >= 0 && !encoding.equals("UTF-8"))
                .findFirst()
                .map(argument ->
                        "the argument " + argument + " has characters that this JVM cannot read: its locale makes"
                                + " names " + encoding + "; start it with LC_ALL=C.UTF-8");
    }

    /** One command without the others, whose options need not be looked at: a command starts in half the time. */
    private static Optional<CommandLine> only(String name) {
        return Arrays.stream(PowerSweep.class.getAnnotation(Command.class).subcommands())
                .filter(command -> command.getAnnotation(Command.class).name().equals(name))
                .findFirst()
                .map(command -> ready(new CommandLine(command).setCommandName("powersweep " + name)));
    }

    static CommandLine commandLine() {
        return ready(new CommandLine(new PowerSweep()));
    }

    private static CommandLine ready(CommandLine line) {
        return line.setCaseInsensitiveEnumValuesAllowed(true)
                .setExecutionStrategy(PowerSweep::run)
                .setExecutionExceptionHandler((failure, commandLine, parsed) -> {
                    if (failure instanceof UserError) {
                        commandLine.getErr().println("powersweep: " + Shown.message(failure.getMessage()));
                        log().debug("refused", failure);
                    } else if (RunnableFolder.unlinked(failure).isPresent()) {
                        commandLine
                                .getErr()
                                .println("powersweep: "
                                        + RunnableFolder.unlinked(failure).get());
                    } else {
                        String words = failure.toString().lines().findFirst().orElse("");
                        commandLine.getErr().println("powersweep: unexpected failure: " + Shown.line(words));
                        log().error("unexpected failure of {}", commandLine.getCommandName(), failure);
                    }
                    return ExitCode.SOFTWARE;
                });
    }

    /** What a command prints passes {@link Shown}; help, which is ours and may be in colours, does not need to. */
    private static int run(CommandLine.ParseResult parsed) {
        Integer help = CommandLine.executeHelpRequest(parsed);
        if (help != null) {
            return help;
        }
        for (CommandLine line : parsed.asCommandLineList()) {
            line.setOut(new PrintWriter(Shown.to(line.getOut()), true));
            line.setErr(new PrintWriter(Shown.to(line.getErr()), true));
        }
        return new CommandLine.RunLast().execute(parsed);
    }

    /** Asked for only when there is something to log: setting up logging takes longer than fitting a law. */
    private static Logger log() {
        return LogManager.getLogger(PowerSweep.class);
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
