package dev.powersweep.orchestrator.grid;

import dev.powersweep.orchestrator.spec.BatchSize;
import dev.powersweep.orchestrator.spec.Condition;
import dev.powersweep.orchestrator.spec.EvaluationSpec;
import dev.powersweep.orchestrator.spec.GridSpec.RateChoice;
import dev.powersweep.orchestrator.spec.GridSpec.Setting;
import dev.powersweep.orchestrator.spec.GridSpec.Variant;
import dev.powersweep.orchestrator.spec.LearningRateRule;
import dev.powersweep.orchestrator.spec.ModelSize;
import dev.powersweep.orchestrator.spec.TrainingSpec;
import dev.powersweep.orchestrator.storage.UserError;
import dev.powersweep.worker.cell.Cell;
import dev.powersweep.worker.cell.DataRule;
import dev.powersweep.worker.cell.EvaluationRule;
import dev.powersweep.worker.cell.Model;
import dev.powersweep.worker.cell.ModelShape;
import dev.powersweep.worker.cell.Program;
import dev.powersweep.worker.cell.ProgramModel;
import dev.powersweep.worker.cell.Schedule;
import dev.powersweep.worker.cell.TrainingRule;
import java.util.Locale;
import java.util.Map;
import java.util.Optional;
import java.util.OptionalInt;
import java.util.TreeMap;
import java.util.function.Consumer;
import java.util.stream.Collectors;

/**
 * Makes the cells of one point; every number follows from the point, the specification and the corpus.
 *
 * <p>D is rounded to the nearest whole number of batches, and S = D/B but for {@linkplain BatchStages smaller batches} at
 * the beginning. Batches in tokens are
 * rounded to the nearest whole number of sequences. By default U is D, at most the corpus; with a shared trunk it is the
 * corpus.
 */
final class CellMaker {
    private static final double SIZE_TOLERANCE = 1.15;
    /** In place of a width, for the initial weights of a model that has none that we know. */
    private static final int GPT2_WIDTH = 768;

    private static final double HIGHEST_RATE = 1e6;

    private final CorpusFacts corpus;
    private final EvaluationSpec evaluation;
    private final Variant variant;
    private final Optional<Program> program;
    private final ShapeChooser shapes;
    private final Consumer<String> warnings;

    /** @param program that trains the cells, with arguments of any kind; empty for PowerSweep's own trainer */
    CellMaker(
            CorpusFacts corpus,
            EvaluationSpec evaluation,
            Variant variant,
            Optional<Program> program,
            Consumer<String> warnings) {
        this.corpus = corpus;
        this.evaluation = evaluation;
        this.variant = variant;
        this.program = program.map(each -> each.with(variant.arguments()));
        this.shapes = new ShapeChooser(variant.model(), variant.context(), corpus.vocabulary());
        this.warnings = warnings;
    }

    /**
     * The cell of seed 0; empty where the condition does not hold for it.
     *
     * @throws UserError where the corpus or the context cannot carry the point
     */
    Optional<Cell> cell(GridPoint point, Optional<Condition> where) {
        Model model = model(point.size());
        int sequences = sequences(point.batch(), "grid.batchSizes");
        long batchTokens = (long) sequences * variant.context();
        long batches = Math.round((double) point.tokens() / batchTokens);
        long seen = batches * batchTokens;
        Optional<BatchStages> stages = variant.training()
                .batchWarmup()
                .map(warmup -> new BatchStages(warmup, sequences, batchTokens, batches));
        long steps = stages.map(BatchStages::steps).orElse(batches);
        // Cells of one trunk read one order of the same tokens, whatever their D.
        long most = variant.training().schedule() instanceof Schedule.SharedTrunk
                ? Long.MAX_VALUE
                : Math.max(seen, variant.context() + 1L);
        long unique = Math.min(point.unique() == 0 ? corpus.trainTokens() : point.unique(), most);
        double n = model.counts().n();
        requireSize(point, n, where);
        double rate = rate(point.rate(), n, batchTokens, seen);
        Condition.Quantities quantities = new Condition.Quantities(
                n,
                seen,
                batchTokens,
                steps,
                6.0 * n * seen,
                unique,
                rate,
                variant.settings().stream().collect(Collectors.toMap(Setting::path, Setting::text)));
        if (!where.map(condition -> condition.holds(quantities)).orElse(true)) {
            return Optional.empty();
        }
        check(point, batchTokens, steps);
        checkRate(rate, n, batchTokens, seen);
        if (model instanceof ModelShape shape) {
            describe(point.size(), shape);
        }
        return Optional.of(new Cell(
                model,
                new DataRule(corpus.corpusHash(), steps, sequences, unique, stages.flatMap(BatchStages::warmup)),
                training(model, rate, steps),
                evaluation(batchTokens, steps),
                0,
                program(point.size())));
    }

    /** A point's own arguments stand in its model; the specification's for the same names do not count. */
    private Optional<Program> program(ModelSize size) {
        return program.map(each -> {
            Map<String, String> arguments = new TreeMap<>(each.arguments());
            boolean unknown = false;
            if (size instanceof ModelSize.Point point) {
                arguments.keySet().removeAll(point.arguments().keySet());
                unknown = point.parameters().isEmpty();
            }
            return new Program(
                    each.command(),
                    each.files(),
                    each.environment(),
                    arguments,
                    unknown ? Program.Parameters.REPORTED : each.parameters());
        });
    }

    /** N of a size, whatever else the point holds; NaN where only a program knows it. */
    double parameters(ModelSize size) {
        return model(size).counts().n();
    }

    private Model model(ModelSize size) {
        if (size instanceof ModelSize.Point point) {
            return new ProgramModel(
                    point.parameters(),
                    point.arguments(),
                    variant.context(),
                    corpus.vocabulary() > 0 ? OptionalInt.of(corpus.vocabulary()) : OptionalInt.empty());
        }
        try {
            return shapes.shape(size);
        } catch (IllegalArgumentException impossible) {
            throw new UserError("grid.modelSizes: " + impossible.getMessage(), impossible);
        }
    }

    /** What follows from N needs one. */
    private void requireSize(GridPoint point, double n, Optional<Condition> where) {
        if (!Double.isNaN(n)) {
            return;
        }
        String remedy = "; give N in every entry of grid.points";
        if (where.map(Condition::asksForSize).orElse(false)) {
            throw new UserError("grid.where asks for N or C, which a point of grid.points does not name" + remedy);
        }
        if (point.rate() instanceof RateChoice.Factor
                && variant.training().learningRate().followsSize()) {
            throw new UserError("training.learningRate follows N, which a point of grid.points does not name" + remedy);
        }
    }

    private void check(GridPoint point, long batchTokens, long steps) {
        if (steps == 0) {
            throw new UserError("a data size of " + count(point.tokens()) + " tokens is not one step of "
                    + count(batchTokens)
                    + " tokens; take larger grid.dataSizes, smaller grid.batchSizes, or add grid.where:"
                    + " S >= 1");
        }
        long unique = point.unique();
        if (unique != 0 && unique <= variant.context()) {
            throw new UserError("grid.uniqueTokens = " + count(unique) + " is not one sequence of context = "
                    + variant.context() + " and its next token; take a larger value");
        }
        if (unique > corpus.trainTokens()) {
            throw new UserError("grid.uniqueTokens asks for " + count(unique) + " but the corpus holds "
                    + count(corpus.trainTokens()) + " training tokens; take a larger corpus or a smaller value");
        }
    }

    private void describe(ModelSize size, ModelShape shape) {
        if (size instanceof ModelSize.Target target) {
            double ratio = (double) shape.nonEmbeddingParameters() / target.nonEmbeddingParameters();
            if (ratio > SIZE_TOLERANCE || ratio < 1 / SIZE_TOLERANCE) {
                warnings.accept("no sensible shape is near " + count(target.nonEmbeddingParameters())
                        + " non-embedding parameters; taken: " + shape.layers() + " layers of width " + shape.width()
                        + " with " + count(shape.nonEmbeddingParameters()));
            }
        } else if (shape.layers() < ShapeChooser.FEWEST_LAYERS) {
            warnings.accept(
                    "a model of one layer does not follow the laws of deeper ones; leave it out of fits of L(N)");
        }
    }

    /**
     * Of a batch.
     *
     * @param key of the specification that asks for it
     */
    int sequences(BatchSize batch, String key) {
        if (batch instanceof BatchSize.Sequences given) {
            return given.sequences();
        }
        long tokens = ((BatchSize.Tokens) batch).tokens();
        if (tokens < variant.context()) {
            throw new UserError("a batch of " + count(tokens) + " tokens is less than one sequence of context = "
                    + variant.context() + "; take larger " + key + " or a shorter context");
        }
        long sequences = Math.round((double) tokens / variant.context());
        if (sequences * variant.context() != tokens) {
            warnings.accept("a batch of " + count(tokens) + " tokens is no whole number of sequences; taken: "
                    + sequences + " sequences, " + count(sequences * variant.context()) + " tokens");
        }
        if (sequences > Integer.MAX_VALUE) {
            throw new UserError("a batch of " + count(tokens) + " tokens is too large; take smaller " + key);
        }
        return (int) sequences;
    }

    private double rate(RateChoice choice, double n, long batchTokens, long seen) {
        if (choice instanceof RateChoice.Peak peak) {
            return peak.rate();
        }
        return variant.training().learningRate().peak(n, batchTokens, seen) * ((RateChoice.Factor) choice).ofRule();
    }

    private void checkRate(double rate, double n, long batchTokens, long seen) {
        if (rate > 0 && rate <= HIGHEST_RATE) {
            return;
        }
        LearningRateRule.Rule rule = variant.training().learningRate().rule();
        String at = " gives " + rate + " for N = " + count((long) n);
        if (rule instanceof LearningRateRule.Rule.Kaplan) {
            throw new UserError(
                    "training.learningRate: kaplan" + at + "; the rule holds below 1e10, so give a value instead");
        }
        throw new UserError("training.learningRate" + at + ", B = " + count(batchTokens) + ", D = " + count(seen)
                + ", and it must be in (0, 1000000]; change its coefficient, value or exponents");
    }

    private TrainingRule training(Model model, double rate, long steps) {
        TrainingSpec training = variant.training();
        // Under μP the deviation holds at the base width, and the trainer scales it from there.
        int width = training.learningRate()
                .baseWidth()
                .orElse(model instanceof ModelShape shape ? shape.width() : GPT2_WIDTH);
        return new TrainingRule(
                rate,
                warmupSteps(training.warmup(), steps),
                training.schedule(),
                training.optimizer().beta1(),
                training.optimizer().beta2(),
                training.optimizer().epsilon(),
                training.optimizer().weightDecay(),
                training.gradientClip(),
                training.dropout(),
                training.initialStandardDeviation().orElseGet(() -> TrainingSpec.defaultStandardDeviation(width)),
                training.learningRate().baseWidth(),
                training.earlyStopping(),
                training.divergence(),
                Optional.of(training.precision()));
    }

    private static long warmupSteps(TrainingSpec.Warmup warmup, long steps) {
        if (warmup instanceof TrainingSpec.Warmup.Steps fixed) {
            return fixed.steps();
        }
        double fraction = ((TrainingSpec.Warmup.Fraction) warmup).ofSteps();
        return fraction == 0 ? 0 : Math.max(1, Math.round(fraction * steps));
    }

    private EvaluationRule evaluation(long batchTokens, long steps) {
        EvaluationSpec.Interval interval = evaluation.interval();
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
                Math.min(evaluation.tokens(), corpus.evaluation().get(0).tokens()),
                corpus.evaluation().stream()
                        .map(CorpusFacts.EvaluationSet::name)
                        .toList());
    }

    static String count(long value) {
        return String.format(Locale.ROOT, "%,d", value);
    }
}
