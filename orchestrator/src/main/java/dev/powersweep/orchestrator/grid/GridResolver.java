package dev.powersweep.orchestrator.grid;

import dev.powersweep.orchestrator.spec.BatchSize;
import dev.powersweep.orchestrator.spec.GridSpec;
import dev.powersweep.orchestrator.spec.GridSpec.RateChoice;
import dev.powersweep.orchestrator.spec.GridSpec.Variant;
import dev.powersweep.orchestrator.spec.ModelSize;
import dev.powersweep.orchestrator.spec.SweepSpec;
import dev.powersweep.orchestrator.storage.UserError;
import dev.powersweep.worker.cell.Cell;
import dev.powersweep.worker.cell.ModelShape;
import dev.powersweep.worker.cell.Program;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.LinkedHashMap;
import java.util.LinkedHashSet;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.Optional;
import java.util.Set;
import java.util.TreeSet;
import java.util.stream.Collectors;
import java.util.stream.IntStream;
import java.util.stream.Stream;

/**
 * Makes cells of a specification and a corpus.
 *
 * <p>Every number of a cell follows from its own entries and the corpus, never from the other entries of the grid, so a
 * grown grid keeps the identity of the cells it had.
 */
public final class GridResolver {
    private static final double LONG_WARMUP = 0.5;
    private static final int MOST_CELLS = 1_000_000;

    /** Combinations of the parts so far. */
    private double asked;

    private final SweepSpec spec;
    private final CorpusFacts corpus;
    private final Optional<Program> program;
    private final Map<Variant, CellMaker> makers = new HashMap<>();
    private final Set<String> warnings = new LinkedHashSet<>();
    private final Map<String, Cell> cells = new LinkedHashMap<>();
    private final Map<String, String> labels = new HashMap<>();
    /** Of the part that is being added: by trunk, the run of most data. */
    private final Map<String, Branched> branched = new LinkedHashMap<>();

    private record Branched(CellMaker maker, Cell longest, String label) {}

    private GridResolver(SweepSpec spec, CorpusFacts corpus, Optional<Program> program) {
        this.spec = spec;
        this.corpus = corpus;
        this.program = program;
    }

    /** As {@link #resolve(SweepSpec, CorpusFacts, Optional)}, for PowerSweep's own trainer. */
    public static ResolvedGrid resolve(SweepSpec spec, CorpusFacts corpus) {
        return resolve(spec, corpus, Optional.empty());
    }

    /**
     * Throws {@link UserError} where the corpus or the grid cannot carry a cell.
     *
     * @param program that the specification names as its trainer, with the content of its files
     */
    public static ResolvedGrid resolve(SweepSpec spec, CorpusFacts corpus, Optional<Program> program) {
        if (spec.trainer().isPresent() != program.isPresent()) {
            throw new IllegalArgumentException("the specification's trainer and the program differ");
        }
        GridResolver resolver = new GridResolver(spec, corpus, program);
        resolver.checkCorpus();
        spec.grid().parts().forEach(resolver::add);
        if (resolver.cells.isEmpty()) {
            throw new UserError("the grid has no cells: its where condition holds for none; loosen grid.where");
        }
        resolver.checkEpochs();
        resolver.checkWarmup();
        resolver.checkHeads();
        return new ResolvedGrid(
                CellNames.name(List.copyOf(resolver.cells.values()), resolver.labels), List.copyOf(resolver.warnings));
    }

    private void checkCorpus() {
        int context = Stream.concat(
                        Stream.of(spec.context()),
                        spec.grid().parts().stream()
                                .flatMap(part -> part.variants().stream())
                                .map(Variant::context))
                .mapToInt(Integer::intValue)
                .max()
                .orElseThrow();
        if (corpus.trainTokens() <= context) {
            throw new UserError("the corpus holds " + count(corpus.trainTokens())
                    + " training tokens, not one sequence of context = " + context
                    + "; take a larger corpus or a shorter context");
        }
        for (CorpusFacts.EvaluationSet set : corpus.evaluation()) {
            if (set.tokens() <= context) {
                throw new UserError("the held-out set " + set.name() + " holds " + count(set.tokens())
                        + " tokens, not one sequence of context = " + context
                        + "; raise corpus.validationFraction, take a larger text or a shorter context");
            }
        }
    }

    private void add(GridSpec.Part part) {
        branched.clear();
        double combinations = part.seeds().size()
                * switch (part.combine()) {
                    case ZIP -> zipLength(part);
                    case PRODUCT, ISOFLOP ->
                        (double) part.modelSizes().size()
                                * Math.max(
                                        part.dataSizes().size(), part.budgets().size())
                                * part.batchSizes().size()
                                * Math.max(1, part.uniqueTokens().size())
                                * part.learningRates().size()
                                * part.variants().size();
                };
        asked += combinations;
        if (asked > MOST_CELLS) {
            throw new UserError("the grid has " + count((long) asked) + " combinations or more; the most is "
                    + count(MOST_CELLS) + ", so shorten its axes");
        }
        InertAxes inert = new InertAxes(part);
        switch (part.combine()) {
            case ZIP -> IntStream.range(0, zipLength(part)).forEach(i -> point(part, zipped(part, i)));
            case PRODUCT -> {
                for (ModelSize size : part.modelSizes()) {
                    for (long tokens : part.dataSizes()) {
                        eachBatch(part, size, tokens, inert);
                    }
                }
            }
            case ISOFLOP -> {
                for (double budget : part.budgets()) {
                    for (ModelSize size : part.modelSizes()) {
                        double n = maker(part.variants().get(0)).parameters(size);
                        if (Double.isNaN(n)) {
                            throw new UserError("grid.budgets needs N, and an entry of grid.points does not name it;"
                                    + " give N there, or grid.dataSizes in place of grid.budgets");
                        }
                        eachBatch(part, size, Math.round(budget / (6.0 * n)), inert);
                    }
                }
            }
        }
        inert.refuse();
        part.branches().ifPresent(this::addBranches);
    }

    private void addBranches(GridSpec.Branches rule) {
        int before = cells.size();
        for (Branched run : branched.values()) {
            BranchMaker maker = new BranchMaker(
                    rule, batch -> run.maker().sequences(batch, "grid.branches.batchSizes"), warnings::add);
            for (Cell branch : maker.of(run.longest())) {
                cells.putIfAbsent(branch.id(), branch);
                String from = "-from" + CellNames.shortened(branch.tokensThrough(branch.trunkSteps()));
                labels.putIfAbsent(branch.id(), run.label() + from);
            }
        }
        asked += cells.size() - before;
        if (cells.size() == before && !branched.isEmpty()) {
            throw new UserError("grid.branches.at: no run is as long as "
                    + count(rule.at().get(0)) + " tokens before its cooldown; take smaller counts or larger"
                    + " grid.dataSizes");
        }
    }

    private void eachBatch(GridSpec.Part part, ModelSize size, long tokens, InertAxes inert) {
        for (BatchSize batch : part.batchSizes()) {
            for (long unique : part.uniqueTokens().isEmpty() ? List.of(0L) : part.uniqueTokens()) {
                for (RateChoice rate : part.learningRates()) {
                    Map<Variant, String> ids = new LinkedHashMap<>();
                    for (Variant variant : part.variants()) {
                        point(part, new GridPoint(size, tokens, batch, unique, rate, variant))
                                .ifPresent(cell -> ids.put(variant, cell.id()));
                    }
                    inert.see(ids);
                }
            }
        }
    }

    private static GridPoint zipped(GridSpec.Part part, int index) {
        return new GridPoint(
                pick(part.modelSizes(), index),
                pick(part.dataSizes(), index),
                pick(part.batchSizes(), index),
                part.uniqueTokens().isEmpty() ? 0 : pick(part.uniqueTokens(), index),
                pick(part.learningRates(), index),
                pick(part.variants(), index));
    }

    private static int zipLength(GridSpec.Part part) {
        return Stream.of(
                        part.modelSizes(),
                        part.dataSizes(),
                        part.batchSizes(),
                        part.uniqueTokens(),
                        part.learningRates(),
                        part.variants())
                .mapToInt(List::size)
                .max()
                .orElseThrow();
    }

    private static <T> T pick(List<T> axis, int index) {
        return axis.get(axis.size() == 1 ? 0 : index);
    }

    private CellMaker maker(Variant variant) {
        return makers.computeIfAbsent(
                variant, of -> new CellMaker(corpus, spec.evaluation(), of, program, warnings::add));
    }

    /** One combination, all seeds; the cell of the first seed, where the condition holds. */
    private Optional<Cell> point(GridSpec.Part part, GridPoint point) {
        Optional<Cell> made = maker(point.variant()).cell(point, part.where());
        made.ifPresent(cell -> {
            for (long seed : part.seeds()) {
                Cell replicate = cell.replicate(seed);
                String id = replicate.id();
                cells.putIfAbsent(id, replicate);
                String label = label(part, point, cell);
                labels.merge(id, label, (first, second) -> first.isEmpty() ? second : first);
                if (part.branches().isPresent()) {
                    branched.merge(
                            replicate.trunk(),
                            new Branched(maker(point.variant()), replicate, label),
                            (one, other) -> one.longest().trunkSteps()
                                            >= other.longest().trunkSteps()
                                    ? one
                                    : other);
                }
            }
        });
        return made;
    }

    /** What a name tells beside the counts. */
    private static String label(GridSpec.Part part, GridPoint point, Cell cell) {
        String rate = part.learningRates().equals(List.of(RateChoice.RULE))
                ? ""
                : "-lr" + CellNames.significant(cell.training().peakLearningRate());
        return rate
                + point.variant().settings().stream()
                        .map(setting -> "-" + setting.name() + CellNames.plainWord(setting.text()))
                        .collect(Collectors.joining());
    }

    private void checkEpochs() {
        boolean chosen = spec.grid().parts().stream()
                .anyMatch(part -> !part.uniqueTokens().isEmpty());
        long largest = cells.values().stream()
                .filter(cell -> !chosen || cell.data().uniqueTokens() == corpus.trainTokens())
                .mapToLong(Cell::tokens)
                .max()
                .orElse(0);
        double epochs = (double) largest / corpus.trainTokens();
        if (epochs > spec.training().maxEpochs()) {
            throw new UserError(String.format(
                    Locale.ROOT,
                    "the corpus holds %s training tokens but the largest data size is %s tokens, %.2f epochs, and"
                            + " training.maxEpochs = %s: take a larger corpus, smaller grid.dataSizes, or"
                            + " training.maxEpochs: %.0f",
                    count(corpus.trainTokens()),
                    count(largest),
                    epochs,
                    CellNames.plain(spec.training().maxEpochs()),
                    Math.ceil(epochs)));
        }
    }

    private void checkWarmup() {
        List<Cell> late = new ArrayList<>();
        for (Cell cell : cells.values()) {
            if (cell.training().warmupSteps() > LONG_WARMUP * cell.data().steps()) {
                late.add(cell);
            }
        }
        if (!late.isEmpty()) {
            Cell worst = late.get(0);
            for (Cell cell : late) {
                worst = cell.data().steps() < worst.data().steps() ? cell : worst;
            }
            warnings.add("the warm-up takes more than half of the run in " + late.size() + " of " + cells.size()
                    + " cells (" + worst.training().warmupSteps() + " of "
                    + worst.data().steps()
                    + " steps in the shortest), which bends the fitted laws; shorten training.warmup");
        }
    }

    /** Heads of different widths confound the size of a model with its shape. */
    private void checkHeads() {
        Set<Integer> widths = new TreeSet<>();
        for (Cell cell : cells.values()) {
            if (cell.model() instanceof ModelShape shape) {
                widths.add(shape.width() / shape.heads());
            }
        }
        if (widths.size() > 1) {
            warnings.add("attention heads are "
                    + widths.stream().map(String::valueOf).collect(Collectors.joining(" and "))
                    + " wide, so models differ in more than size; set model.headWidth, or heads of each shape");
        }
    }

    private static String count(long value) {
        return CellMaker.count(value);
    }
}
