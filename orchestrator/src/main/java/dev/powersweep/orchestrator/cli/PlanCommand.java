package dev.powersweep.orchestrator.cli;

import dev.powersweep.orchestrator.budget.Budget;
import dev.powersweep.orchestrator.budget.BudgetPlan;
import dev.powersweep.orchestrator.budget.BudgetText;
import dev.powersweep.orchestrator.budget.FitsFile;
import dev.powersweep.orchestrator.budget.NextCells;
import dev.powersweep.orchestrator.budget.Question;
import dev.powersweep.orchestrator.budget.Rates;
import dev.powersweep.orchestrator.budget.StoredFit;
import dev.powersweep.orchestrator.storage.UserError;
import java.io.IOException;
import java.io.PrintWriter;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.Optional;
import java.util.concurrent.Callable;
import picocli.CommandLine;
import picocli.CommandLine.ArgGroup;
import picocli.CommandLine.Command;
import picocli.CommandLine.Option;
import picocli.CommandLine.Parameters;

/** {@code powersweep plan}: what to train for a budget, by fitted laws. */
@Command(
        name = "plan",
        mixinStandardHelpOptions = true,
        sortOptions = false,
        description = "Says what to train: model, data, batch, steps and predicted loss, by the laws that were fitted.")
public final class PlanCommand implements Callable<Integer> {
    @CommandLine.Spec
    private CommandLine.Model.CommandSpec command;

    @Parameters(
            arity = "1",
            paramLabel = "DIR|FITS.json",
            description = "Directory of a sweep that was fitted, or a file that powersweep fit wrote.")
    private String fits = "";

    @ArgGroup(exclusive = true, multiplicity = "0..1")
    private Given given = new Given();

    static final class Given {
        @Option(names = "--flops", paramLabel = "C", description = "Budget in FLOPs, 6·N·D.")
        private Optional<Double> flops = Optional.empty();

        @Option(
                names = "--loss",
                paramLabel = "L",
                description = "Loss to reach with the least compute, nats per token.")
        private Optional<Double> loss = Optional.empty();

        @Option(names = "--tokens", paramLabel = "D", description = "Tokens of the run; the model that suits them.")
        private Optional<Double> tokens = Optional.empty();

        @Option(names = "--parameters", paramLabel = "N", description = "Model size; the data that suit it.")
        private Optional<Double> parameters = Optional.empty();
    }

    @Option(
            names = "--law",
            paramLabel = "NAME",
            description = "Law to plan by; default: the most general one in N and D.")
    private Optional<String> law = Optional.empty();

    @Option(
            names = "--rates",
            paramLabel = "FILE.yaml",
            description = "List of machines with name, flopsPerSecond, watts, pricePerHour, currency.")
    private Optional<Path> rates = Optional.empty();

    @Option(
            names = "--suggest",
            arity = "0..1",
            fallbackValue = "6",
            paramLabel = "CELLS",
            description = "Print a sweep of the further cells (default 6) that would tell most, instead of a plan.")
    private Optional<Integer> suggest = Optional.empty();

    @Option(names = "--json", description = "Print JSON instead of text.")
    private boolean json;

    @Override
    public Integer call() {
        PrintWriter out = command.commandLine().getOut();
        if (suggest.isPresent()) {
            out.print(NextCells.specification(NextCells.choose(stored(), law, suggest.get())));
        } else {
            Question question = question();
            BudgetPlan plan = Budget.plan(stored(), law, question);
            List<Rates.Cost> costs = rates.map(Rates::read).orElse(List.of()).stream()
                    .map(machine -> machine.of(plan.compute().value()))
                    .toList();
            out.print(json ? BudgetText.json(plan, costs) : BudgetText.text(plan, costs));
        }
        out.flush();
        return CommandLine.ExitCode.OK;
    }

    private List<StoredFit> stored() {
        Path local = Path.of(fits.startsWith("file:") ? fits.substring("file:".length()) : fits);
        if (!Files.isRegularFile(local)) {
            return FitsFile.read(fits, SweepLaws.fitsJson(fits));
        }
        try {
            return FitsFile.read(fits, Files.readString(local));
        } catch (IOException unreadable) {
            throw new UserError(fits + ": cannot be read (" + unreadable.getMessage() + ")", unreadable);
        }
    }

    private Question question() {
        if (given.flops.isPresent()) {
            return new Question.Flops(positive("--flops", given.flops.get()));
        }
        if (given.loss.isPresent()) {
            return new Question.Loss(positive("--loss", given.loss.get()));
        }
        if (given.tokens.isPresent()) {
            return new Question.Tokens(positive("--tokens", given.tokens.get()));
        }
        if (given.parameters.isPresent()) {
            return new Question.Parameters(positive("--parameters", given.parameters.get()));
        }
        throw new CommandLine.ParameterException(
                command.commandLine(),
                "say what is given: --flops C, --loss L, --tokens D or --parameters N; or ask for --suggest");
    }

    private double positive(String option, double value) {
        if (!(value > 0) || Double.isInfinite(value)) {
            throw new CommandLine.ParameterException(
                    command.commandLine(), option + " = " + value + " must be a positive number");
        }
        return value;
    }
}
