package dev.powersweep.orchestrator.grid;

import dev.powersweep.orchestrator.corpus.CorpusFacts;
import dev.powersweep.orchestrator.spec.BatchSize;
import dev.powersweep.orchestrator.spec.Condition;
import dev.powersweep.orchestrator.spec.EvaluationSpec;
import dev.powersweep.orchestrator.spec.GridSpec;
import dev.powersweep.orchestrator.spec.ModelSize;
import dev.powersweep.orchestrator.spec.SweepSpec;
import dev.powersweep.orchestrator.spec.TrainingSpec;
import dev.powersweep.orchestrator.storage.UserError;
import dev.powersweep.worker.cell.Cell;
import dev.powersweep.worker.cell.DataRule;
import dev.powersweep.worker.cell.EvaluationRule;
import dev.powersweep.worker.cell.ModelShape;
import dev.powersweep.worker.cell.Schedule;
import dev.powersweep.worker.cell.TrainingRule;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.LinkedHashSet;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.OptionalInt;
import java.util.Set;
import java.util.stream.IntStream;

/**
 * Makes cells of a specification and a corpus.
 *
 * <p>Every number of a cell follows from its own entries and the corpus, never from the other entries of the grid, so a
 * grown grid keeps the identity of the cells it had. D is rounded to the nearest whole number of steps: S = round(D/B),
 * and the cell's D is S·B. Batches in tokens are rounded to the nearest whole number of sequences. By default U is D, at
 * most the corpus; with a shared trunk it is the corpus.
 */
public final class GridResolver {
    private static final double SIZE_TOLERANCE = 1.15;
    private static final double LONG_WARMUP = 0.5;
    private static final int MOST_CELLS = 1_000_000;

    private final SweepSpec spec;
    private final CorpusFacts corpus;
    private final ShapeChooser shapes;
    private final Set<String> warnings = new LinkedHashSet<>();
    private final Map<String, Cell> cells = new LinkedHashMap<>();

    private GridResolver(SweepSpec spec, CorpusFacts corpus) {
        this.spec = spec;
        this.corpus = corpus;
        this.shapes = new ShapeChooser(spec.model(), spec.context(), corpus.vocabulary());
    }

    /** Throws {@link UserError} where the corpus or the grid cannot carry a cell. */
    public static ResolvedGrid resolve(SweepSpec spec, CorpusFacts corpus) {
        GridResolver resolver = new GridResolver(spec, corpus);
        resolver.checkCorpus();
        spec.grid().parts().forEach(resolver::add);
        if (resolver.cells.isEmpty()) {
            throw new UserError("the grid has no cells: its where condition holds for none; loosen grid.where");
        }
        resolver.checkEpochs();
        resolver.checkWarmup();
        return new ResolvedGrid(CellNames.name(List.copyOf(resolver.cells.values())), List.copyOf(resolver.warnings));
    }

    private void checkCorpus() {
        if (corpus.trainTokens() <= spec.context()) {
            throw new UserError("the corpus holds " + count(corpus.trainTokens())
                    + " training tokens, not one sequence of context = " + spec.context()
                    + "; take a larger corpus or a shorter context");
        }
        for (CorpusFacts.EvaluationSet set : corpus.evaluation()) {
            if (set.tokens() <= spec.context()) {
                throw new UserError("the held-out set " + set.name() + " holds " + count(set.tokens())
                        + " tokens, not one sequence of context = " + spec.context()
                        + "; raise corpus.validationFraction, take a larger text or a shorter context");
            }
        }
    }

    private void add(GridSpec.Part part) {
        long combinations =
                switch (part.combine()) {
                    case ZIP -> zipLength(part) * (long) part.seeds().size();
                    case PRODUCT, ISOFLOP ->
                        (long) part.modelSizes().size()
                                * Math.max(
                                        part.dataSizes().size(), part.budgets().size())
                                * part.batchSizes().size()
                                * Math.max(1, part.uniqueTokens().size())
                                * part.seeds().size();
                };
        if (combinations > MOST_CELLS) {
            throw new UserError("the grid has " + count(combinations) + " combinations; the most is "
                    + count(MOST_CELLS) + ", so shorten its axes");
        }
        switch (part.combine()) {
            case ZIP ->
                IntStream.range(0, zipLength(part))
                        .forEach(i -> point(
                                part,
                                pick(part.modelSizes(), i),
                                pick(part.dataSizes(), i),
                                pick(part.batchSizes(), i),
                                part.uniqueTokens().isEmpty() ? 0 : pick(part.uniqueTokens(), i)));
            case PRODUCT -> {
                for (ModelSize size : part.modelSizes()) {
                    for (long tokens : part.dataSizes()) {
                        eachBatch(part, size, tokens);
                    }
                }
            }
            case ISOFLOP -> {
                for (double budget : part.budgets()) {
                    for (ModelSize size : part.modelSizes()) {
                        double tokens = budget / (6.0 * shapes.shape(size).nonEmbeddingParameters());
                        eachBatch(part, size, Math.round(tokens));
                    }
                }
            }
        }
    }

    private void eachBatch(GridSpec.Part part, ModelSize size, long tokens) {
        for (BatchSize batch : part.batchSizes()) {
            for (long unique : part.uniqueTokens().isEmpty() ? List.of(0L) : part.uniqueTokens()) {
                point(part, size, tokens, batch, unique);
            }
        }
    }

    private static int zipLength(GridSpec.Part part) {
        return Math.max(
                Math.max(part.modelSizes().size(), part.dataSizes().size()),
                Math.max(part.batchSizes().size(), part.uniqueTokens().size()));
    }

    private static <T> T pick(List<T> axis, int index) {
        return axis.get(axis.size() == 1 ? 0 : index);
    }

    /** One combination, all seeds; {@code unique} is 0 where the axis is absent. */
    private void point(GridSpec.Part part, ModelSize size, long tokens, BatchSize batch, long unique) {
        ModelShape shape = shapes.shape(size);
        int sequences = sequences(batch);
        long batchTokens = (long) sequences * spec.context();
        long steps = Math.round((double) tokens / batchTokens);
        long seen = steps * batchTokens;
        // Cells of one trunk read one order of the same tokens, whatever their D.
        long most = spec.training().schedule() instanceof Schedule.SharedTrunk
                ? Long.MAX_VALUE
                : Math.max(seen, spec.context() + 1L);
        long uniqueTokens = Math.min(unique == 0 ? corpus.trainTokens() : unique, most);
        Condition.Quantities quantities = new Condition.Quantities(
                shape.nonEmbeddingParameters(),
                seen,
                batchTokens,
                steps,
                6.0 * shape.nonEmbeddingParameters() * seen,
                uniqueTokens);
        if (!part.where().map(condition -> condition.holds(quantities)).orElse(true)) {
            return;
        }
        if (steps == 0) {
            throw new UserError("a data size of " + count(tokens) + " tokens is not one step of "
                    + count(batchTokens)
                    + " tokens; take larger grid.dataSizes, smaller grid.batchSizes, or add grid.where:"
                    + " S >= 1");
        }
        if (unique != 0 && unique <= spec.context()) {
            throw new UserError("grid.uniqueTokens = " + count(unique) + " is not one sequence of context = "
                    + spec.context() + " and its next token; take a larger value");
        }
        if (unique > corpus.trainTokens()) {
            throw new UserError("grid.uniqueTokens asks for " + count(unique) + " but the corpus holds "
                    + count(corpus.trainTokens()) + " training tokens; take a larger corpus or a smaller value");
        }
        describe(size, shape);
        TrainingRule training = training(shape, batchTokens, steps);
        EvaluationRule evaluation = evaluation(batchTokens, steps);
        for (long seed : part.seeds()) {
            Cell cell = new Cell(
                    shape,
                    new DataRule(corpus.corpusHash(), steps, sequences, uniqueTokens),
                    training,
                    evaluation,
                    seed);
            cells.putIfAbsent(cell.id(), cell);
        }
    }

    private void describe(ModelSize size, ModelShape shape) {
        if (size instanceof ModelSize.Target target) {
            double ratio = (double) shape.nonEmbeddingParameters() / target.nonEmbeddingParameters();
            if (ratio > SIZE_TOLERANCE || ratio < 1 / SIZE_TOLERANCE) {
                warnings.add("no sensible shape is near " + count(target.nonEmbeddingParameters())
                        + " non-embedding parameters; taken: " + shape.layers() + " layers of width " + shape.width()
                        + " with " + count(shape.nonEmbeddingParameters()));
            }
        } else if (shape.layers() < ShapeChooser.FEWEST_LAYERS) {
            warnings.add("a model of one layer does not follow the laws of deeper ones; leave it out of fits of L(N)");
        }
    }

    private int sequences(BatchSize batch) {
        if (batch instanceof BatchSize.Sequences given) {
            return given.sequences();
        }
        long tokens = ((BatchSize.Tokens) batch).tokens();
        if (tokens < spec.context()) {
            throw new UserError("a batch of " + count(tokens) + " tokens is less than one sequence of context = "
                    + spec.context() + "; take larger grid.batchSizes or a shorter context");
        }
        long sequences = Math.round((double) tokens / spec.context());
        if (sequences * spec.context() != tokens) {
            warnings.add("a batch of " + count(tokens) + " tokens is no whole number of sequences; taken: " + sequences
                    + " sequences, " + count(sequences * spec.context()) + " tokens");
        }
        if (sequences > Integer.MAX_VALUE) {
            throw new UserError("a batch of " + count(tokens) + " tokens is too large; take smaller grid.batchSizes");
        }
        return (int) sequences;
    }

    private TrainingRule training(ModelShape shape, long batchTokens, long steps) {
        TrainingSpec training = spec.training();
        // Under μP the deviation holds at the base width, and the trainer scales it from there.
        int width = training.learningRate().baseWidth().orElse(shape.width());
        return new TrainingRule(
                learningRate(training.learningRate(), shape, batchTokens),
                warmupSteps(training.warmup(), steps),
                training.schedule(),
                training.optimizer().beta1(),
                training.optimizer().beta2(),
                training.optimizer().epsilon(),
                training.optimizer().weightDecay(),
                training.gradientClip(),
                training.dropout(),
                training.initialStandardDeviation().orElseGet(() -> TrainingSpec.defaultStandardDeviation(width)),
                training.learningRate().rule() == TrainingSpec.Rule.MUP
                        ? training.learningRate().baseWidth()
                        : OptionalInt.empty(),
                training.earlyStopping(),
                training.divergence());
    }

    private static double learningRate(TrainingSpec.LearningRate rule, ModelShape shape, long batchTokens) {
        double base =
                switch (rule.rule()) {
                    case CONSTANT, MUP -> rule.value();
                    case KAPLAN -> 0.003239 - 0.0001395 * StrictMath.log(shape.nonEmbeddingParameters());
                };
        if (!(base > 0)) {
            throw new UserError("training.learningRate: kaplan gives " + base + " for N = "
                    + count(shape.nonEmbeddingParameters()) + "; the rule holds below 1e10, so give a value instead");
        }
        double ratio = rule.batchScaling() == TrainingSpec.BatchScaling.NONE
                ? 1
                : (double) batchTokens / rule.referenceBatch();
        return switch (rule.batchScaling()) {
            case NONE -> base;
            case SQRT -> base * StrictMath.sqrt(ratio);
            case LINEAR -> base * ratio;
        };
    }

    private static long warmupSteps(TrainingSpec.Warmup warmup, long steps) {
        if (warmup instanceof TrainingSpec.Warmup.Steps fixed) {
            return fixed.steps();
        }
        double fraction = ((TrainingSpec.Warmup.Fraction) warmup).ofSteps();
        return fraction == 0 ? 0 : Math.max(1, Math.round(fraction * steps));
    }

    private EvaluationRule evaluation(long batchTokens, long steps) {
        EvaluationSpec.Interval interval = spec.evaluation().interval();
        long everySteps;
        if (interval instanceof EvaluationSpec.Interval.TimesPerRun times) {
            everySteps = Math.max(1, (steps + times.times() - 1) / times.times());
        } else if (interval instanceof EvaluationSpec.Interval.EverySteps every) {
            everySteps = every.steps();
        } else {
            long tokens = ((EvaluationSpec.Interval.EveryTokens) interval).tokens();
            everySteps = Math.max(1, Math.round((double) tokens / batchTokens));
        }
        return new EvaluationRule(
                everySteps,
                Math.min(spec.evaluation().tokens(), corpus.evaluation().get(0).tokens()),
                corpus.evaluation().stream()
                        .map(CorpusFacts.EvaluationSet::name)
                        .toList());
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

    private static String count(long value) {
        return String.format(Locale.ROOT, "%,d", value);
    }
}
