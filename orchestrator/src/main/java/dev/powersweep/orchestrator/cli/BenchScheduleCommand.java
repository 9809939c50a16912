package dev.powersweep.orchestrator.cli;

import com.fasterxml.jackson.databind.node.ObjectNode;
import dev.powersweep.orchestrator.bench.ScheduleBench;
import dev.powersweep.orchestrator.ledger.LedgerJson;
import dev.powersweep.orchestrator.simulation.Hazards;
import dev.powersweep.orchestrator.simulation.SimulatedSweep;
import dev.powersweep.orchestrator.text.Numbers;
import dev.powersweep.orchestrator.text.TextTable;
import java.io.PrintWriter;
import java.util.Locale;
import java.util.concurrent.Callable;
import picocli.CommandLine;
import picocli.CommandLine.Command;
import picocli.CommandLine.Option;

/** {@code powersweep bench schedule}: a large sweep on a virtual clock. */
@Command(
        name = "schedule",
        mixinStandardHelpOptions = true,
        sortOptions = false,
        description =
                "Runs a large sweep on a virtual clock, with the planner, the dispatcher and the failure policy of a"
                        + " real one, and reports makespan against its lower bound and the driver's load.")
public final class BenchScheduleCommand implements Callable<Integer> {
    @CommandLine.Spec
    private CommandLine.Model.CommandSpec command;

    @Option(
            names = "--cells",
            paramLabel = "COUNT",
            description = "Default: ${DEFAULT-VALUE}.",
            defaultValue = "100000")
    private int cells;

    @Option(names = "--slots", paramLabel = "COUNT", description = "Default: ${DEFAULT-VALUE}.", defaultValue = "2000")
    private int slots;

    @Option(
            names = "--seed",
            paramLabel = "NUMBER",
            description = "Of what goes wrong. Default: ${DEFAULT-VALUE}.",
            defaultValue = "1")
    private long seed;

    @Option(names = "--no-failures", description = "Nothing goes wrong, and cells take the time that was predicted.")
    private boolean noFailures;

    @Option(names = "--json", description = "Print JSON instead of text.")
    private boolean json;

    @Override
    public Integer call() {
        positive("--cells", cells);
        positive("--slots", slots);
        ScheduleBench.Report report = ScheduleBench.run(cells, slots, noFailures ? Hazards.NONE : Hazards.USUAL, seed);
        PrintWriter out = command.commandLine().getOut();
        out.print(json ? json(report) + "\n" : text(report));
        out.flush();
        return CommandLine.ExitCode.OK;
    }

    private void positive(String option, int value) {
        if (value < 1) {
            throw new CommandLine.ParameterException(
                    command.commandLine(), option + " = " + value + " must be at least 1");
        }
    }

    private static String json(ScheduleBench.Report report) {
        ObjectNode json = LedgerJson.mapper().valueToTree(report);
        json.put("overLowerBound", report.sweep().overLowerBound());
        json.put("occupancy", report.sweep().occupancy());
        json.put("eventsPerCpuSecond", report.eventsPerCpuSecond());
        return LedgerJson.line(json);
    }

    private static String text(ScheduleBench.Report report) {
        SimulatedSweep.Result sweep = report.sweep();
        return new TextTable()
                .row("cells", String.format(Locale.ROOT, "%,d", sweep.cells()))
                .row("slots", String.format(Locale.ROOT, "%,d", sweep.slots()))
                .row("attempts", String.format(Locale.ROOT, "%,d", sweep.attempts()))
                .row("failed attempts", sweep.failures().toString())
                .row("cells at the end", sweep.states().toString())
                .row("makespan", Numbers.duration(sweep.makespanSeconds()))
                .row("lower bound", Numbers.duration(sweep.lowerBoundSeconds()))
                .row("over the lower bound", Numbers.percent(sweep.overLowerBound(), 3))
                .row("slots occupied", Numbers.percent(sweep.occupancy(), 4))
                .row("work done twice", Numbers.percent(sweep.lostSeconds() / sweep.busySeconds(), 2))
                .row("planning", BenchLedgerCommand.load(report.planning()))
                .row("driving", BenchLedgerCommand.load(report.driving()))
                .row(
                        "events",
                        String.format(
                                Locale.ROOT, "%,d, most in a second: %,d", sweep.events(), sweep.mostEventsInASecond()))
                .row("events a second of the clock", Numbers.significant(sweep.events() / sweep.makespanSeconds(), 3))
                .row("events a CPU second", Numbers.count(report.eventsPerCpuSecond(), 3))
                .row("ledger", Numbers.count(report.ledgerBytes(), 3) + "B")
                .text("");
    }
}
