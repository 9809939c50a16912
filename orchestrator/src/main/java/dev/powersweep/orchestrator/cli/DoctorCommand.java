package dev.powersweep.orchestrator.cli;

import dev.powersweep.orchestrator.doctor.Doctor;
import java.io.PrintWriter;
import java.util.Optional;
import java.util.concurrent.Callable;
import picocli.CommandLine;
import picocli.CommandLine.Command;
import picocli.CommandLine.Option;

@Command(
        name = "doctor",
        mixinStandardHelpOptions = true,
        description = "Says what this machine or cluster can run, and what to mend.",
        footer = "Exit code 0 when a sweep can run, 1 when something is broken.")
final class DoctorCommand implements Callable<Integer> {
    @CommandLine.Spec
    private CommandLine.Model.CommandSpec command;

    @Option(names = "--master", paramLabel = "URL", description = "Inspect the executors of this Spark master as well.")
    private String master;

    @Override
    public Integer call() {
        PrintWriter out = command.commandLine().getOut();
        boolean healthy = Doctor.examine(Optional.ofNullable(master), out);
        out.flush();
        return healthy ? CommandLine.ExitCode.OK : CommandLine.ExitCode.SOFTWARE;
    }
}
