package dev.powersweep.orchestrator.cli;

import dev.powersweep.orchestrator.bench.DriverLoad;
import dev.powersweep.orchestrator.bench.LedgerBench;
import dev.powersweep.orchestrator.ledger.LedgerJson;
import dev.powersweep.orchestrator.storage.SweepDirectory;
import dev.powersweep.orchestrator.text.Numbers;
import dev.powersweep.orchestrator.text.TextTable;
import java.io.PrintWriter;
import java.util.Locale;
import java.util.concurrent.Callable;
import org.apache.hadoop.conf.Configuration;
import picocli.CommandLine;
import picocli.CommandLine.Command;
import picocli.CommandLine.Option;
import picocli.CommandLine.Parameters;

/** {@code powersweep bench ledger}: what many cells cost the driver. */
@Command(
        name = "ledger",
        mixinStandardHelpOptions = true,
        sortOptions = false,
        description = "Writes the ledger of a simulated sweep into DIR, then measures planning, replay, status and the"
                + " cells table; powersweep status DIR and powersweep query DIR answer afterwards.")
public final class BenchLedgerCommand implements Callable<Integer> {
    @CommandLine.Spec
    private CommandLine.Model.CommandSpec command;

    @Parameters(arity = "1", paramLabel = "DIR", description = "A directory that does not exist yet.")
    private String directory = "";

    @Option(names = "--cells", paramLabel = "COUNT", description = "Default: ${DEFAULT-VALUE}.", defaultValue = "10000")
    private int cells;

    @Option(names = "--slots", paramLabel = "COUNT", description = "Default: ${DEFAULT-VALUE}.", defaultValue = "200")
    private int slots;

    @Option(names = "--json", description = "Print JSON instead of text.")
    private boolean json;

    @Override
    public Integer call() throws InterruptedException {
        if (cells < 1 || slots < 1) {
            throw new CommandLine.ParameterException(
                    command.commandLine(), "--cells = " + cells + " and --slots = " + slots + " must be at least 1");
        }
        Configuration configuration = HadoopSettings.configuration();
        LedgerBench.Report report =
                LedgerBench.run(SweepDirectory.at(directory, configuration), configuration, cells, slots, 1);
        PrintWriter out = command.commandLine().getOut();
        out.print(json ? LedgerJson.line(report) + "\n" : text(report));
        out.flush();
        return CommandLine.ExitCode.OK;
    }

    private static String text(LedgerBench.Report report) {
        return new TextTable()
                .row("cells", String.format(Locale.ROOT, "%,d", report.sweep().cells()))
                .row("events", String.format(Locale.ROOT, "%,d", report.sweep().events()))
                .row("ledger", report.files() + " files, " + Numbers.count(report.bytes(), 3) + "B")
                .row("planning", load(report.planning()))
                .row("writing", load(report.writing()))
                .row("replaying", load(report.replaying()))
                .row("status", load(report.status()))
                .row("cells table", load(report.table()))
                .text("");
    }

    static String load(DriverLoad load) {
        return String.format(
                Locale.ROOT,
                "%.2f s, %.2f CPU s, then %.0f MB of heap",
                load.seconds(),
                load.cpuSeconds(),
                load.heapBytes() / 1e6);
    }
}
