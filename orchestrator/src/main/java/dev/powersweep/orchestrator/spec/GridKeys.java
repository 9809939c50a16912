package dev.powersweep.orchestrator.spec;

import static dev.powersweep.orchestrator.spec.SpecKey.optional;
import static dev.powersweep.orchestrator.spec.SpecKey.required;
import static dev.powersweep.orchestrator.spec.SpecKey.withDefault;

import dev.powersweep.orchestrator.program.Template;
import dev.powersweep.orchestrator.spec.GridSpec.Combine;
import dev.powersweep.orchestrator.spec.GridSpec.RateChoice;
import dev.powersweep.orchestrator.spec.LearningRateRule.BatchScaling;
import dev.powersweep.orchestrator.spec.ValueKind.Choice;
import dev.powersweep.orchestrator.spec.ValueKind.Either;
import dev.powersweep.orchestrator.spec.ValueKind.Many;
import dev.powersweep.orchestrator.spec.ValueKind.Named;
import dev.powersweep.orchestrator.spec.ValueKind.Notation;
import dev.powersweep.orchestrator.spec.ValueKind.Numeric;
import dev.powersweep.orchestrator.spec.ValueKind.Raw;
import dev.powersweep.orchestrator.spec.ValueKind.Section;
import dev.powersweep.orchestrator.spec.ValueKind.Text;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.function.Function;
import java.util.stream.Stream;
import org.snakeyaml.engine.v2.nodes.Node;

/** The keys of {@code grid}. */
final class GridKeys {
    private static final SpecKey<Combine> COMBINE = optional(
            "combine",
            Choice.of(Combine.class),
            "`isoflop` where `budgets` is given, `product` otherwise",
            "`product`: every combination. `zip`: first with first, second with second; a single entry serves all. "
                    + "`isoflop`: every model size at every budget, D = C / (6·N).");

    private static final SpecKey<List<ModelSize>> MODEL_SIZES = optional(
            "modelSizes",
            new Many<>(Either.of(Numeric.wholeFrom(1), ModelSize.Target::new, ShapeKeys.SECTION)),
            "a problem",
            "Shapes, or target non-embedding parameters N, for which the nearest sensible shape is taken: "
                    + "at least 2 layers, width / layers near 40, heads of one width.");
    private static final SpecKey<Long> POINT_SIZE =
            optional("N", Numeric.wholeFrom(1), "reported by the program", "Non-embedding parameters.");
    private static final SpecKey<Map<String, String>> POINT_ARGUMENTS = optional(
            "arguments",
            new Named<>(Template.NAME, "letters, digits and '_', a letter first", Text.VERBATIM),
            "none",
            "Values for `${name}` of `trainer.command`.");
    private static final SpecKey<List<ModelSize>> POINTS = optional(
            "points",
            new Many<>(
                    Section.of(GridKeys::point, POINT_SIZE, POINT_ARGUMENTS).atLeastOneOf(POINT_SIZE, POINT_ARGUMENTS)),
            "a problem, unless `modelSizes` is given",
            "Models of `trainer`'s program, in place of `modelSizes`: N, and the arguments that name each to the program.");
    private static final SpecKey<List<Long>> DATA_SIZES = optional(
            "dataSizes",
            new Many<>(Numeric.wholeFrom(1)),
            "a problem, unless `budgets` is given",
            "D, training tokens a run sees; rounded to whole steps.");
    private static final SpecKey<List<Double>> BUDGETS = optional(
            "budgets",
            new Many<>(Numeric.sizeAbove("0")),
            "no IsoFLOP profile",
            "C, training FLOPs of IsoFLOP profiles.");

    private static final SpecKey<Integer> SEQUENCES =
            required("sequences", Numeric.whole(1, 1_000_000), "Sequences of a batch.");
    private static final ValueKind<List<BatchSize>> BATCHES = new Many<>(Either.of(
            Numeric.wholeFrom(1),
            BatchSize.Tokens::new,
            Section.of(batch -> new BatchSize.Sequences(batch.get(SEQUENCES)), SEQUENCES)));
    private static final SpecKey<List<BatchSize>> BATCH_SIZES = withDefault(
            "batchSizes",
            BATCHES,
            "{sequences: 16}",
            "B, tokens of a batch (rounded to whole sequences), or sequences.");
    private static final SpecKey<List<Long>> UNIQUE_TOKENS = optional(
            "uniqueTokens",
            new Many<>(Numeric.wholeFrom(2)),
            "all that a run sees, at most the corpus",
            "U: runs see only the first U training tokens, again and again.");

    private static final SpecKey<List<Double>> FACTORS = required(
            "factors", new Many<>(LearningRateKeys.RATE), "Multiples of what `training.learningRate` gives each cell.");
    private static final SpecKey<List<List<RateChoice>>> LEARNING_RATES = optional(
            "learningRates",
            new Many<>(Either.of(
                    LearningRateKeys.RATE,
                    rate -> List.of(new RateChoice.Peak(rate)),
                    Section.of(
                            rates -> rates.get(FACTORS).stream()
                                    .<RateChoice>map(RateChoice.Factor::new)
                                    .toList(),
                            FACTORS))),
            "`training.learningRate`",
            "Peak learning rates η in place of the rule's, or factors of the rule's.");
    private static final SpecKey<Map<String, List<Node>>> AXES = optional(
            "axes",
            new Named<>(".+", "the path of a key", new Many<>(new Raw())),
            "none",
            "Further axes, by the path of any key of `training`, `model` or `context` that changes a cell: its values, e.g. "
                    + "`training.optimizer.weightDecay: [0, 0.1]`.");
    private static final SpecKey<List<Integer>> SEEDS =
            withDefault("seeds", new Many<>(Numeric.whole(0, 1_000_000_000)), "[0]", "Replicates, by number.");
    private static final SpecKey<String> WHERE = optional(
            "where",
            Text.of(".+", "a condition over N, D, B, S, C, U, learningRate"),
            "all cells",
            "Keeps the cells for which it holds, e.g. `D >= 10*N and C < 1e15`; names of `axes` may be used, too.");

    private static final SpecKey<List<Long>> BRANCH_AT = required(
            "at",
            new Many<>(Numeric.longs(Notation.SIZE, 1, Long.MAX_VALUE / 1024)),
            "Tokens that a run has seen where branches leave it, rounded to its whole batches.");
    private static final SpecKey<List<BatchSize>> BRANCH_BATCHES = required(
            "batchSizes",
            BATCHES,
            "B of the branches, at least two, as in `grid.batchSizes`; the smallest is what the"
                    + " others are compared with.");
    private static final SpecKey<Long> BRANCH_TOKENS = required(
            "tokens",
            Numeric.longs(Notation.SIZE, 1, Long.MAX_VALUE / 1024),
            "Tokens of each branch, rounded so that 1, 2, 4 and so on times the run's own batch divide them.");
    private static final SpecKey<BatchScaling> BRANCH_RATE = withDefault(
            "rateScaling",
            Choice.of(BatchScaling.class),
            "sqrt",
            "How the learning rate follows the batch: `sqrt`: √k of the run's for k times its batch. `linear`: k of it."
                    + " `none`: the same.");
    private static final SpecKey<GridSpec.Branches> BRANCHES = optional(
            "branches",
            Section.of(GridKeys::branches, BRANCH_AT, BRANCH_BATCHES, BRANCH_TOKENS, BRANCH_RATE),
            "none",
            "The critical batch size measured directly: from states of each run, runs of other batches for a few tokens;"
                    + " needs `training.trunk: shared`. On CPUs, by PowerSweep's own trainer.");

    private static final SpecKey<String> DESIGN = optional(
            "design",
            Choice.of("auto"),
            "the axes as given",
            "`auto`: what to train is designed for `flops`, `minutes` or `hours`: IsoFLOP budgets whose best size lies inside,"
                    + " batches on both sides of the critical one, learning rates, seeds.");
    private static final SpecKey<Double> FLOPS =
            optional("flops", Numeric.sizeAbove("0"), "none", "What a design may spend: 6·N·D of all cells together.");
    private static final SpecKey<Double> MINUTES = optional(
            "minutes",
            Numeric.above(0, 1e6),
            "none",
            "What a design may spend: time from the first cell to the last, by the speed measured here.");
    private static final SpecKey<Double> HOURS =
            optional("hours", Numeric.above(0, 1e5), "none", "The same as `minutes`, in hours.");

    private static final SpecKey<GridSpec.PilotOrder> RATE_PILOT = withDefault(
            "ratePilot",
            Choice.of(GridSpec.PilotOrder.class),
            "together",
            "With `design`: when the cells that try several learning rates are trained. `together`: with all others. `first`:"
                    + " before the others, which take the factor of `training.learningRate` that these find, where it is"
                    + " not 1 by its 95 % interval. `decided`: what `DIR/sweep.yaml` says from then on, so that the others keep"
                    + " their rates.");

    private static final List<SpecKey<?>> PART = List.of(
            COMBINE,
            MODEL_SIZES,
            POINTS,
            DATA_SIZES,
            BUDGETS,
            BATCH_SIZES,
            UNIQUE_TOKENS,
            LEARNING_RATES,
            AXES,
            SEEDS,
            WHERE,
            BRANCHES);

    private static final SpecKey<List<Settings>> UNION = optional(
            "union",
            new Many<>(Section.of(Function.<Settings>identity(), PART.toArray(SpecKey<?>[]::new))
                    .atLeastOneOf(MODEL_SIZES, POINTS)
                    .atMostOneOf(MODEL_SIZES, POINTS)
                    .atLeastOneOf(DATA_SIZES, BUDGETS)
                    .atMostOneOf(DATA_SIZES, BUDGETS)),
            "one part",
            "Several parts, each with the keys of `grid`; cells that two parts share are trained once. "
                    + "`seeds` and `where` beside it hold for every part.");

    static final Section<GridSpec> SECTION = section();

    private GridKeys() {}

    private static Section<GridSpec> section() {
        Section<GridSpec> grid = Section.of(
                        GridKeys::grid,
                        Stream.concat(PART.stream(), Stream.of(UNION, DESIGN, FLOPS, MINUTES, HOURS, RATE_PILOT))
                                .toArray(SpecKey<?>[]::new))
                .atLeastOneOf(MODEL_SIZES, POINTS, UNION, DESIGN)
                .atMostOneOf(MODEL_SIZES, POINTS)
                .atLeastOneOf(DATA_SIZES, BUDGETS, UNION, DESIGN)
                .atMostOneOf(DATA_SIZES, BUDGETS)
                .atMostOneOf(FLOPS, MINUTES, HOURS);
        for (SpecKey<?> axis : List.of(
                MODEL_SIZES, POINTS, DATA_SIZES, BUDGETS, BATCH_SIZES, UNIQUE_TOKENS, LEARNING_RATES, AXES, COMBINE)) {
            grid = grid.atMostOneOf(axis, UNION).atMostOneOf(DESIGN, axis);
        }
        return grid.atMostOneOf(DESIGN, SEEDS)
                .atMostOneOf(DESIGN, WHERE)
                .atMostOneOf(BRANCHES, UNION)
                .atMostOneOf(DESIGN, BRANCHES);
    }

    private static GridSpec grid(Settings grid) {
        List<Settings> union = grid.list(UNION);
        Optional<GridSpec.Design> design = design(grid);
        if (union.isEmpty() && grid.given(DESIGN)) {
            return new GridSpec(List.of(), design, grid.get(RATE_PILOT));
        }
        if (union.isEmpty()) {
            return new GridSpec(List.of(part(grid, Optional.empty())));
        }
        List<GridSpec.Part> parts = new ArrayList<>();
        int variants = 0;
        for (Settings section : union) {
            GridSpec.Part part = part(section, Optional.of(grid));
            parts.add(part);
            // An alias is one word, and a part of its own.
            variants += part.variants().size();
            if (variants > Axes.MOST_VARIANTS && variants > part.variants().size()) {
                grid.wrong(
                        UNION,
                        "has more than " + Axes.MOST_VARIANTS + " combinations of axes in all its parts; shorten them");
                break;
            }
        }
        return new GridSpec(parts, design, grid.get(RATE_PILOT));
    }

    private static Optional<GridSpec.Design> design(Settings grid) {
        if (!grid.given(DESIGN)) {
            for (SpecKey<?> spent : List.of(FLOPS, MINUTES, HOURS)) {
                grid.refuse(spent, "is what a design may spend; add design: auto, or take it away");
            }
            grid.refuse(RATE_PILOT, "is of a design; add design: auto, or take it away");
            return Optional.empty();
        }
        Optional<GridSpec.Design> design = grid.find(FLOPS)
                .<GridSpec.Design>map(GridSpec.Design.Flops::new)
                .or(() -> grid.find(MINUTES).map(minutes -> new GridSpec.Design.Seconds(60 * minutes)))
                .or(() -> grid.find(HOURS).map(hours -> new GridSpec.Design.Seconds(3600 * hours)));
        if (design.isEmpty()) {
            grid.wrong(DESIGN, "= auto needs what it may spend; give flops, minutes or hours");
        }
        return design;
    }

    /**
     * @param around the grid that the part stands in, where there are several
     */
    private static GridSpec.Part part(Settings part, Optional<Settings> around) {
        Combine combine = part.find(COMBINE).orElse(part.given(BUDGETS) ? Combine.ISOFLOP : Combine.PRODUCT);
        if (part.given(BUDGETS) && combine != Combine.ISOFLOP) {
            part.wrong(COMBINE, "= " + word(combine) + " has no place beside budgets; take one away");
        } else if (!part.given(BUDGETS) && combine == Combine.ISOFLOP) {
            part.wrong(COMBINE, "= isoflop needs budgets, such as 1e15, in place of dataSizes");
        }
        List<RateChoice> rates =
                part.list(LEARNING_RATES).stream().flatMap(List::stream).toList();
        Axes axes = Axes.of(part, AXES);
        if (combine == Combine.ZIP) {
            checkZip(part, rates.size(), axes);
        }
        Settings seeds = around.filter(outer -> !part.given(SEEDS)).orElse(part);
        Optional<Condition> own = where(part, axes);
        Optional<Condition> outer = around.flatMap(grid -> where(grid, axes));
        List<ModelSize> sizes = part.given(POINTS) ? part.list(POINTS) : part.list(MODEL_SIZES);
        for (ModelSize size : sizes) {
            if (size instanceof ModelSize.Point point) {
                axes.names().keySet().stream()
                        .filter(path -> path.startsWith(TrainerKeys.ARGUMENT_AXIS))
                        .map(path -> path.substring(TrainerKeys.ARGUMENT_AXIS.length()))
                        .filter(point.arguments()::containsKey)
                        .findFirst()
                        .ifPresent(name -> part.wrong(
                                POINTS, "names the argument " + name + ", which is an axis, too; take one away"));
            }
        }
        return new GridSpec.Part(
                combine,
                sizes,
                part.list(DATA_SIZES),
                part.list(BUDGETS),
                part.get(BATCH_SIZES),
                part.list(UNIQUE_TOKENS),
                rates.isEmpty() ? List.of(RateChoice.RULE) : rates,
                axes.variants(combine),
                seeds.get(SEEDS).stream().map(Integer::longValue).toList(),
                own.isPresent() && outer.isPresent() ? Optional.of(outer.get().and(own.get())) : own.or(() -> outer),
                part.find(BRANCHES));
    }

    private static GridSpec.Branches branches(Settings branches) {
        if (branches.get(BRANCH_BATCHES).stream().distinct().count() < 2) {
            branches.wrong(
                    BRANCH_BATCHES, "names one batch, and branches compare at least two; give a larger one, too");
        }
        return new GridSpec.Branches(
                branches.get(BRANCH_AT).stream().distinct().sorted().toList(),
                branches.get(BRANCH_BATCHES),
                branches.get(BRANCH_TOKENS),
                branches.get(BRANCH_RATE));
    }

    private static ModelSize point(Settings point) {
        Map<String, String> arguments = point.find(POINT_ARGUMENTS).orElse(Map.of());
        for (String name : arguments.keySet()) {
            TrainerKeys.taken(name).ifPresent(why -> point.wrongEntry(POINT_ARGUMENTS, name, why));
        }
        return new ModelSize.Point(point.findLong(POINT_SIZE), arguments);
    }

    private static void checkZip(Settings part, int rates, Axes axes) {
        List<Axes.Length> lengths = new ArrayList<>(List.of(
                new Axes.Length(part.place(MODEL_SIZES), part.list(MODEL_SIZES).size()),
                new Axes.Length(part.place(POINTS), part.list(POINTS).size()),
                new Axes.Length(part.place(DATA_SIZES), part.list(DATA_SIZES).size()),
                new Axes.Length(part.place(BATCH_SIZES), part.get(BATCH_SIZES).size()),
                new Axes.Length(
                        part.place(UNIQUE_TOKENS), part.list(UNIQUE_TOKENS).size()),
                new Axes.Length(part.place(LEARNING_RATES), rates)));
        lengths.addAll(axes.lengths());
        lengths.removeIf(axis -> axis.entries() <= 1);
        for (Axes.Length axis : lengths) {
            Axes.Length first = lengths.get(0);
            if (axis.entries() != first.entries()) {
                part.problems()
                        .sentence(
                                axis.place(),
                                axis.place().path() + " has " + axis.entries() + " entries and "
                                        + first.place().path() + " has " + first.entries()
                                        + "; combine: zip needs equally many, or one");
            }
        }
    }

    private static Optional<Condition> where(Settings part, Axes axes) {
        return part.find(WHERE).flatMap(text -> {
            try {
                return Optional.of(Condition.parse(text, axes.names()));
            } catch (IllegalArgumentException e) {
                part.problems().value(part.place(WHERE), text, e.getMessage());
                return Optional.empty();
            }
        });
    }

    private static String word(Combine combine) {
        return combine == Combine.ZIP ? "zip" : "product";
    }
}
