package dev.powersweep.orchestrator.cli;

import dev.powersweep.fitting.allocation.Goal;
import dev.powersweep.orchestrator.budget.Budget;
import dev.powersweep.orchestrator.budget.BudgetPlan;
import dev.powersweep.orchestrator.budget.BudgetText;
import dev.powersweep.orchestrator.budget.Conditions;
import dev.powersweep.orchestrator.budget.FitsFile;
import dev.powersweep.orchestrator.budget.GridSizes;
import dev.powersweep.orchestrator.budget.NextCells;
import dev.powersweep.orchestrator.budget.OutOfReach;
import dev.powersweep.orchestrator.budget.RatePilot;
import dev.powersweep.orchestrator.budget.Rates;
import dev.powersweep.orchestrator.budget.SlotSpeed;
import dev.powersweep.orchestrator.budget.StoredFit;
import dev.powersweep.orchestrator.budget.Trainable;
import dev.powersweep.orchestrator.grid.ShapeChooser;
import dev.powersweep.orchestrator.spec.ModelSize;
import dev.powersweep.orchestrator.spec.Reach;
import dev.powersweep.orchestrator.spec.SizeNotation;
import dev.powersweep.orchestrator.spec.SweepSpec;
import dev.powersweep.orchestrator.spec.SweepSpecReader;
import dev.powersweep.orchestrator.storage.UserError;
import dev.powersweep.orchestrator.text.Shown;
import java.io.IOException;
import java.io.PrintWriter;
import java.math.BigDecimal;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.Optional;
import java.util.OptionalInt;
import java.util.concurrent.Callable;
import java.util.stream.Collectors;
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
    /** Shapes do not depend on it. */
    private static final int ANY_VOCABULARY = 256;

    @CommandLine.Spec
    private CommandLine.Model.CommandSpec command;

    @Parameters(
            arity = "1",
            paramLabel = "DIR|FITS.json",
            description = "Directory of a sweep that was fitted, or what powersweep fit --output wrote.")
    private String fits = "";

    @ArgGroup(exclusive = true, multiplicity = "0..1")
    private Given given = new Given();

    /** Sizes as specifications have them, and as plans print them, where a billion is B. */
    static final class Size implements CommandLine.ITypeConverter<Double> {
        @Override
        public Double convert(String text) {
            try {
                return Double.valueOf(text);
            } catch (NumberFormatException suffixed) {
                return SizeNotation.size(text.replaceFirst("B$", "G"))
                        .map(BigDecimal::doubleValue)
                        .orElseThrow(() -> new CommandLine.TypeConversionException(
                                "'" + text + "' is no size; write 5e9, 5G or 300k"));
            }
        }
    }

    static final class Given {
        @Option(
                names = "--flops",
                paramLabel = "C",
                converter = Size.class,
                description = "Budget in FLOPs, 6·N·D: 1e13, 10T.")
        private Optional<Double> flops = Optional.empty();

        @Option(
                names = "--loss",
                paramLabel = "L",
                description = "Loss to reach with the least compute, nats per token.")
        private Optional<Double> loss = Optional.empty();

        @Option(
                names = "--tokens",
                paramLabel = "D",
                converter = Size.class,
                description = "Tokens of the run; the model that suits them.")
        private Optional<Double> tokens = Optional.empty();

        @Option(
                names = "--parameters",
                paramLabel = "N",
                converter = Size.class,
                description = "Model size; the data that suit it.")
        private Optional<Double> parameters = Optional.empty();

        @Option(
                names = "--gpu-hours",
                paramLabel = "H",
                description =
                        "Budget in hours of one machine of --rates, chosen by --gpu; without --rates of one of the"
                                + " sweep's own slots.")
        private Optional<Double> hours = Optional.empty();
    }

    @Option(
            names = "--law",
            paramLabel = "NAME",
            description = "Law to plan by; default: the most general one in N and D.")
    private Optional<String> law = Optional.empty();

    @Option(
            names = "--rates",
            paramLabel = "FILE.yaml",
            description =
                    "List of machines with name, flopsPerSecond, watts, pricePerHour, currency. Without it the time"
                            + " is that of the sweep's own slots.")
    private Optional<Path> rates = Optional.empty();

    @Option(
            names = "--gpu",
            paramLabel = "NAME",
            description = "The machine of --rates; needed for --gpu-hours where the file lists several.")
    private Optional<String> gpu = Optional.empty();

    @Option(
            names = "--gpus",
            paramLabel = "K",
            description = "How many of them share the run; default ${DEFAULT-VALUE}.")
    private int gpus = 1;

    @Option(
            names = "--suggest",
            arity = "0..1",
            fallbackValue = "6",
            paramLabel = "CELLS",
            description =
                    "Print, instead of a plan, the specification of a sweep of the further cells (default 6) that would"
                            + " tell most; powersweep run takes it as it is.")
    private Optional<Integer> suggest = Optional.empty();

    @Option(
            names = "--learning-rate",
            description = "Print, instead of a plan, the rule for the learning rate by the rates that the sweep tried"
                    + " (grid.learningRates), and the YAML to paste.")
    private boolean learningRate;

    @Option(
            names = "--trust",
            description = "Take over files and programs that the specification in DIR names into what --suggest prints."
                    + " Without it they are shown and refused.")
    private boolean trusted;

    @Option(
            names = "--extrapolate",
            description = "Answer even where the plan lies more than 100 times above the largest or below the smallest"
                    + " fitted run along N, D or C.")
    private boolean extrapolate;

    @Option(names = "--json", description = "Print JSON instead of text.")
    private boolean json;

    @Override
    public Integer call() {
        PrintWriter out = command.commandLine().getOut();
        fits = ofRuns(fits);
        if (suggest.filter(cells -> cells < 1).isPresent()) {
            throw new CommandLine.ParameterException(
                    command.commandLine(), "--suggest = " + suggest.get() + " must be at least 1 cell");
        }
        if (learningRate) {
            if (suggest.isPresent() || Files.isRegularFile(local())) {
                throw new CommandLine.ParameterException(
                        command.commandLine(), "--learning-rate needs the directory of a sweep, and no --suggest");
            }
            RatePilot pilot = RatePilot.of(FittedSweep.results(fits));
            out.print(json ? Shown.json(pilot.json()) : pilot.text());
        } else if (suggest.isPresent()) {
            boolean file = Files.isRegularFile(local());
            Optional<String> base = file ? Optional.empty() : base();
            out.print(NextCells.specification(
                    NextCells.choose(
                            stored(),
                            law,
                            suggest.get(),
                            base.map(this::trainable).orElse(Trainable.ANYTHING)),
                    base,
                    file ? Optional.empty() : Optional.of(fits),
                    file ? GridSizes.COUNTED : FittedSweep.gridSizes(fits)));
        } else {
            List<StoredFit> stored = stored();
            List<Rates> machines = machines();
            BudgetPlan plan;
            try {
                plan = Budget.plan(
                        stored,
                        law,
                        goal(machines),
                        conditions(),
                        extrapolate ? Budget.Reach.ANYWHERE : Budget.Reach.OF_THE_RUNS);
            } catch (OutOfReach refusal) {
                if (json) {
                    out.print(BudgetText.refused(refusal.getMessage()));
                    out.flush();
                }
                throw new UserError(refusal.getMessage(), refusal);
            }
            List<Rates.Cost> costs = machines.stream()
                    .map(machine -> machine.of(plan.plan().flops().value(), gpus))
                    .toList();
            out.print(json ? Shown.json(BudgetText.json(plan, costs)) : BudgetText.text(plan, costs));
        }
        out.flush();
        return CommandLine.ExitCode.OK;
    }

    /** The specification in DIR, whose reach beyond DIR is shown and asked for. */
    private Optional<String> base() {
        Optional<String> base = FittedSweep.specification(fits);
        List<String> reach = base.map(text -> Reach.of(SweepSpecReader.read(text, "sweep.yaml", List.of())))
                .orElse(List.of());
        if (!trusted && !reach.isEmpty()) {
            throw new UserError("the specification in " + fits + " names what is not in that directory, and whoever may"
                    + " write to it may have put that there:\n  "
                    + String.join("\n  ", reach)
                    + "\n  give --trust if this is right");
        }
        return base;
    }

    private Trainable trainable(String specification) {
        SweepSpec spec = SweepSpecReader.read(specification, "sweep.yaml", List.of());
        double tokens = FittedSweep.corpusTokens(fits).orElse(Double.POSITIVE_INFINITY)
                * spec.training().maxEpochs();
        ShapeChooser shapes = new ShapeChooser(spec.model(), spec.context(), ANY_VOCABULARY);
        return new Trainable(
                tokens,
                n -> spec.trainer().isPresent()
                        ? n
                        : shapes.shape(new ModelSize.Target(Math.round(n))).nonEmbeddingParameters());
    }

    /** Of the sweep that was fitted; nothing is known where only its fits are given. */
    private Conditions conditions() {
        if (Files.isRegularFile(local())) {
            return Conditions.UNKNOWN;
        }
        Optional<SweepSpec> spec =
                FittedSweep.specification(fits).map(text -> SweepSpecReader.read(text, "sweep.yaml", List.of()));
        return new Conditions(
                spec.map(known -> known.training().learningRate()),
                spec.map(known -> OptionalInt.of(known.context())).orElse(OptionalInt.empty()),
                FittedSweep.corpusTokens(fits));
    }

    private List<Rates> machines() {
        if (gpus < 1) {
            throw new CommandLine.ParameterException(command.commandLine(), "--gpus = " + gpus + " must be at least 1");
        }
        List<Rates> all = rates.map(Rates::read).orElseGet(this::own);
        if (gpu.isEmpty()) {
            return all;
        }
        if (rates.isEmpty()) {
            throw new UserError("--gpu " + gpu.get() + " is a name of a machine of --rates; give that file, too");
        }
        List<Rates> chosen = all.stream()
                .filter(machine -> machine.name().equalsIgnoreCase(gpu.get()))
                .toList();
        if (chosen.isEmpty()) {
            throw new UserError("--gpu " + gpu.get() + ": there is no such machine among the rates ("
                    + all.stream().map(Rates::name).collect(Collectors.joining(", "))
                    + "); add it to the file given to --rates");
        }
        return chosen;
    }

    /** The sweep's own slots, where it is a sweep whose cells have trained. */
    private List<Rates> own() {
        return Files.isRegularFile(local())
                ? List.of()
                : FittedSweep.slotSpeed(fits).map(SlotSpeed::rates).stream().toList();
    }

    /** The file in a folder that {@code powersweep fit --output} wrote; what was given elsewhere. */
    private static String ofRuns(String given) {
        Path folder = local(given);
        Path file = folder.resolve("fits.json");
        return Files.isRegularFile(file) && !Files.exists(folder.resolve("ledger")) ? file.toString() : given;
    }

    private Path local() {
        return local(fits);
    }

    private static Path local(String fits) {
        return Path.of(fits.startsWith("file:") ? fits.substring("file:".length()) : fits);
    }

    private List<StoredFit> stored() {
        Path local = local();
        if (!Files.isRegularFile(local)) {
            return FitsFile.read(fits, FittedSweep.fitsJson(fits));
        }
        try {
            return FitsFile.read(fits, Files.readString(local));
        } catch (IOException unreadable) {
            throw new UserError(fits + ": cannot be read (" + unreadable.getMessage() + ")", unreadable);
        }
    }

    private Goal goal(List<Rates> machines) {
        if (given.flops.isPresent()) {
            return new Goal.Flops(positive("--flops", given.flops.get()));
        }
        if (given.loss.isPresent()) {
            return new Goal.Loss(positive("--loss", given.loss.get()));
        }
        if (given.tokens.isPresent()) {
            return new Goal.Tokens(positive("--tokens", given.tokens.get()));
        }
        if (given.parameters.isPresent()) {
            return new Goal.Parameters(positive("--parameters", given.parameters.get()));
        }
        if (given.hours.isPresent()) {
            if (machines.size() != 1) {
                throw new UserError("--gpu-hours needs to know the machine: give --rates FILE.yaml"
                        + (machines.isEmpty() ? "" : " and --gpu with one of its names"));
            }
            return new Goal.Flops(machines.get(0).flops(positive("--gpu-hours", given.hours.get())));
        }
        throw new CommandLine.ParameterException(
                command.commandLine(),
                "say what is given: --flops C, --gpu-hours H, --loss L, --tokens D or --parameters N; or ask for"
                        + " --suggest");
    }

    private double positive(String option, double value) {
        if (!(value > 0) || Double.isInfinite(value)) {
            throw new CommandLine.ParameterException(
                    command.commandLine(), option + " = " + value + " must be a positive number");
        }
        return value;
    }
}
