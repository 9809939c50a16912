package dev.powersweep.orchestrator.cli;

import dev.powersweep.orchestrator.ledger.SweepStatus;
import dev.powersweep.orchestrator.storage.SweepDirectory;
import dev.powersweep.orchestrator.text.Shown;
import java.io.PrintWriter;
import java.util.concurrent.Callable;
import java.util.concurrent.TimeUnit;
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
    private static final long SECONDS_BETWEEN_LOOKS = 2;

    @CommandLine.Spec
    private CommandLine.Model.CommandSpec command;

    @Parameters(arity = "1", paramLabel = "DIR", description = "Directory of a sweep, on any Hadoop file system.")
    private String sweep = "";

    @Option(names = "--json", description = "Print JSON instead of text.")
    private boolean json;

    @Option(names = "--watch", description = "Show it again every two seconds, until nothing is left to do or Ctrl-C.")
    private boolean watch;

    @Override
    public Integer call() throws InterruptedException {
        Configuration configuration = HadoopSettings.configuration();
        SweepDirectory directory = SweepDirectory.at(sweep, configuration);
        boolean terminal = System.getenv("POWERSWEEP_SCREEN") != null;
        SweepStatus status = SweepStatus.read(directory, configuration);
        boolean pilot = PilotStage.outstanding(directory, configuration);
        print(status, pilot, watch && terminal);
        // Between a pilot and the cells that follow it nothing is unfinished, and nobody holds the directory.
        while (watch && (status.unfinished() > 0 || status.driverAlive() || pilot)) {
            TimeUnit.SECONDS.sleep(SECONDS_BETWEEN_LOOKS);
            status = SweepStatus.read(directory, configuration);
            pilot = PilotStage.outstanding(directory, configuration);
            print(status, pilot, terminal);
        }
        return CommandLine.ExitCode.OK;
    }

    /**
     * @param pilot whether a design's pilot is all that the ledger knows
     * @param over what is on the screen
     */
    private void print(SweepStatus status, boolean pilot, boolean over) {
        String text = json ? Shown.json(status.json()) : StatusText.of(status, pilot);
        if (over) {
            // To the first cell, each line's rest and then the screen's rest erased: no moment without text.
            System.out.print("\u001b[H" + text.replace("\n", "\u001b[K\n") + "\u001b[K\n\u001b[J");
            System.out.flush();
            return;
        }
        PrintWriter out = command.commandLine().getOut();
        out.println(text);
        out.flush();
    }
}
