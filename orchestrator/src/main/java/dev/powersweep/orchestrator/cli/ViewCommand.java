package dev.powersweep.orchestrator.cli;

import dev.powersweep.orchestrator.storage.SweepDirectory;
import dev.powersweep.orchestrator.viewer.PageServer;
import dev.powersweep.orchestrator.viewer.SweepWatch;
import java.io.IOException;
import java.io.PrintWriter;
import java.net.URI;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.Callable;
import java.util.concurrent.CountDownLatch;
import org.apache.hadoop.conf.Configuration;
import picocli.CommandLine;
import picocli.CommandLine.Command;
import picocli.CommandLine.Option;
import picocli.CommandLine.Parameters;

/** {@code powersweep view}: the Sweep pages of any directory, with or without a living driver; starts no Spark. */
@Command(
        name = "view",
        mixinStandardHelpOptions = true,
        sortOptions = false,
        description =
                "Serves the pages of one or more sweeps on this machine, for a browser, until Ctrl-C: grid, curves,"
                        + " throughput, failures, current fit; several sweeps side by side. Follows a sweep that runs anywhere;"
                        + " needs no living driver.")
public final class ViewCommand implements Callable<Integer> {
    private static final int LARGEST_PORT = 65_535;

    @CommandLine.Spec
    private CommandLine.Model.CommandSpec command;

    @Parameters(arity = "1..*", paramLabel = "DIR", description = "Directories of sweeps, on any Hadoop file system.")
    private List<String> sweeps = new ArrayList<>();

    @Option(names = "--open", description = "Open the pages in this user's browser.")
    private boolean open;

    @Option(
            names = "--port",
            paramLabel = "PORT",
            description = "Port on 127.0.0.1; default: any that is free.",
            defaultValue = "0")
    private int port;

    @Override
    public Integer call() throws InterruptedException {
        if (port < 0 || port > LARGEST_PORT) {
            throw new CommandLine.ParameterException(
                    command.commandLine(), "--port = " + port + " must be from 0 to " + LARGEST_PORT);
        }
        Configuration configuration = HadoopSettings.configuration();
        List<SweepWatch> watches = sweeps.stream()
                .map(sweep -> SweepWatch.open(SweepDirectory.at(sweep, configuration), configuration))
                .toList();
        try (PageServer server = PageServer.start(watches, port)) {
            PrintWriter out = command.commandLine().getOut();
            out.println(server.address());
            out.flush();
            server.warm();
            PrintWriter err = command.commandLine().getErr();
            err.println("serving until Ctrl-C");
            err.flush();
            if (open) {
                browse(server.address(), err);
            }
            new CountDownLatch(1).await();
        }
        return CommandLine.ExitCode.OK;
    }

    /** By what the desktop has for it; java.awt would take a second, and is not in every JRE. */
    private static void browse(URI address, PrintWriter err) {
        String program = System.getProperty("os.name", "").startsWith("Mac") ? "open" : "xdg-open";
        try {
            new ProcessBuilder(program, address.toString())
                    .redirectOutput(ProcessBuilder.Redirect.DISCARD)
                    .redirectError(ProcessBuilder.Redirect.DISCARD)
                    .start();
        } catch (IOException e) {
            err.println("no browser could be opened (" + e.getMessage() + "): open the address by hand");
            err.flush();
        }
    }
}
