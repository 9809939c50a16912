package dev.powersweep.orchestrator.cli;

import dev.powersweep.fitting.runs.Observations;
import dev.powersweep.fitting.runs.Quantity;
import dev.powersweep.orchestrator.bench.FitRace;
import dev.powersweep.orchestrator.bench.FitRaceText;
import dev.powersweep.orchestrator.runtable.ColumnChoice;
import dev.powersweep.orchestrator.runtable.RunsFile;
import dev.powersweep.orchestrator.storage.UserError;
import java.io.PrintWriter;
import java.nio.file.Path;
import java.util.Map;
import java.util.Optional;
import java.util.Set;
import java.util.concurrent.Callable;
import picocli.CommandLine;
import picocli.CommandLine.Command;
import picocli.CommandLine.Option;

/** {@code powersweep bench fit}: approach 3 with its bootstrap against SciPy. */
@Command(
        name = "fit",
        mixinStandardHelpOptions = true,
        sortOptions = false,
        description =
                "Races powersweep fit --law chinchilla with its bootstrap against SciPy's L-BFGS-B over 4,500 starts,"
                        + " whole process against whole process, in turns on the same two processors. Needs python3 with SciPy.")
final class BenchFitCommand implements Callable<Integer> {
    private static final int PLANTED_RUNS = 240;

    @CommandLine.Spec
    private CommandLine.Model.CommandSpec command;

    @Option(
            names = "--runs",
            paramLabel = "FILE.csv",
            description = "Runs to fit; default: 240 made by Hoffmann's law with noise.")
    private Optional<Path> runs = Optional.empty();

    @Option(names = "--bootstrap", paramLabel = "K", description = "Refits; default ${DEFAULT-VALUE}.")
    private int bootstrap = 4000;

    @Option(names = "--rounds", paramLabel = "R", description = "Turns of both sides; default ${DEFAULT-VALUE}.")
    private int rounds = 3;

    @Option(names = "--json", description = "Print JSON instead of text.")
    private boolean json;

    @Override
    public Integer call() {
        String launcher = System.getenv("POWERSWEEP_LAUNCHER");
        if (launcher == null) {
            throw new UserError("bench fit times bin/powersweep itself; start it by bin/powersweep bench fit");
        }
        if (rounds < 1 || bootstrap < 0) {
            throw new CommandLine.ParameterException(
                    command.commandLine(), "--rounds must be at least 1 and --bootstrap at least 0");
        }
        Observations data = runs.map(file -> RunsFile.read(file, ColumnChoice.BY_HEADER, Map.of())
                        .observations(Set.of(Quantity.N, Quantity.D, Quantity.LOSS)))
                .orElseGet(() -> FitRace.planted(PLANTED_RUNS, 1));
        FitRace.Result result = new FitRace(Path.of(launcher), bootstrap, rounds).run(data);
        PrintWriter out = command.commandLine().getOut();
        out.print(json ? FitRaceText.json(result) : FitRaceText.text(result));
        out.flush();
        return CommandLine.ExitCode.OK;
    }
}
