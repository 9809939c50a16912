package dev.powersweep.orchestrator.spec;

import static dev.powersweep.orchestrator.spec.SpecKey.optional;
import static dev.powersweep.orchestrator.spec.SpecKey.required;
import static dev.powersweep.orchestrator.spec.SpecKey.section;
import static dev.powersweep.orchestrator.spec.SpecKey.withDefault;

import dev.powersweep.orchestrator.spec.ValueKind.Choice;
import dev.powersweep.orchestrator.spec.ValueKind.Either;
import dev.powersweep.orchestrator.spec.ValueKind.Many;
import dev.powersweep.orchestrator.spec.ValueKind.Notation;
import dev.powersweep.orchestrator.spec.ValueKind.Numeric;
import dev.powersweep.orchestrator.spec.ValueKind.Section;
import dev.powersweep.worker.cell.Precision;
import dev.powersweep.worker.cell.Schedule;
import dev.powersweep.worker.cell.TrainingRule;
import java.util.List;
import java.util.Optional;

/** The keys of {@code training}, but for those of its learning rate. */
final class TrainingKeys {
    private enum Form {
        COSINE,
        LINEAR,
        CONSTANT,
        CONSTANT_WITH_COOLDOWN
    }

    private enum Trunk {
        SEPARATE,
        SHARED
    }

    /** A batch of 2^20 sequences begins with one. */
    private static final int MOST_DOUBLINGS = 20;

    private static final Numeric<Integer> COUNT = Numeric.whole(1, 1_000_000);

    private static final SpecKey<String> OPTIMIZER_KIND = withDefault("kind", Choice.of("adamw"), "adamw", "AdamW.");
    private static final SpecKey<Double> BETA1 =
            withDefault("beta1", Numeric.halfOpen(0, 1), "0.9", "First-moment decay.");
    private static final SpecKey<Double> BETA2 =
            withDefault("beta2", Numeric.halfOpen(0, 1), "0.95", "Second-moment decay.");
    private static final SpecKey<Double> EPSILON =
            withDefault("epsilon", Numeric.above(0, 1), "1e-8", "Denominator term.");
    private static final SpecKey<Double> WEIGHT_DECAY =
            withDefault("weightDecay", Numeric.closed(0, 1000), "0.1", "Decoupled decay of matrices and embeddings.");
    private static final SpecKey<TrainingSpec.AdamW> OPTIMIZER = withDefault(
            "optimizer",
            Either.shorthand(
                    Choice.of("adamw"),
                    OPTIMIZER_KIND,
                    Section.of(
                            adamW -> new TrainingSpec.AdamW(
                                    adamW.get(BETA1), adamW.get(BETA2), adamW.get(EPSILON), adamW.get(WEIGHT_DECAY)),
                            OPTIMIZER_KIND,
                            BETA1,
                            BETA2,
                            EPSILON,
                            WEIGHT_DECAY)),
            "adamw",
            "The optimiser.");

    private static final SpecKey<LearningRateRule> LEARNING_RATE = withDefault(
            "learningRate",
            LearningRateKeys.KINDS,
            "0.003",
            "Peak learning rate: a value, `kaplan`, or a rule with its terms.");

    private static final SpecKey<Long> WARMUP_STEPS =
            optional("steps", Numeric.wholeFrom(0), "`fraction`", "Steps of the linear rise.");
    private static final SpecKey<Double> WARMUP_FRACTION = withDefault(
                    "fraction", Numeric.closed(0, 1), "0.05", "The same as a share of a run's steps.")
            .unless(WARMUP_STEPS);
    private static final SpecKey<TrainingSpec.Warmup> WARMUP = section(
            "warmup",
            Section.of(TrainingKeys::warmup, WARMUP_STEPS, WARMUP_FRACTION).atMostOneOf(WARMUP_STEPS, WARMUP_FRACTION),
            "Linear warm-up; give steps or a fraction.");

    private static final SpecKey<Form> FORM =
            required("kind", Choice.of(Form.class), "Form of the fall after the warm-up.");
    private static final SpecKey<Double> FINAL_FRACTION = withDefault(
            "finalFraction",
            Numeric.closed(0, 1),
            "0.1",
            "Share of the peak reached at the end by `cosine` and `linear`.");
    private static final SpecKey<Double> COOLDOWN_FRACTION = withDefault(
            "cooldownFraction",
            Numeric.above(0, 1),
            "0.2",
            "Share of the steps that `constant-with-cooldown` falls over.");
    private static final SpecKey<Schedule> SCHEDULE = withDefault(
            "schedule",
            Either.shorthand(
                    Choice.of(Form.class),
                    FORM,
                    Section.of(TrainingKeys::schedule, FORM, FINAL_FRACTION, COOLDOWN_FRACTION)),
            "cosine",
            "What the learning rate does after the warm-up.");
    private static final SpecKey<Trunk> TRUNK = withDefault(
            "trunk",
            Choice.of(Trunk.class),
            "separate",
            "`shared`: cells that differ in D alone have the same initial weights and data order and are one run up to their "
                    + "cooldowns, trained once; needs schedule `constant-with-cooldown`, `warmup.steps`, and "
                    + "`evaluation.everySteps` or `everyTokens`.");

    private static final SpecKey<Double> GRADIENT_CLIP = withDefault(
            "gradientClip", Numeric.closed(0, 1e9), "1.0", "Largest global gradient norm; 0 for no clipping.");
    private static final SpecKey<Double> DROPOUT =
            withDefault("dropout", Numeric.halfOpen(0, 1), "0", "Share dropped from embeddings and residual branches.");
    private static final SpecKey<Double> DEVIATION = optional(
            "initialStandardDeviation",
            Numeric.above(0, 100),
            "0.02·√(768/width), GPT-2's 0.02 at its own width",
            "Of weights; residual projections are divided by √(2·layers).");
    private static final SpecKey<Precision> PRECISION = withDefault(
            "precision",
            Choice.of(Precision.class),
            "float32",
            "In what numbers the products of a step are made; `tf32` and `bfloat16` need `resources.gpus: 1` and compute"
                    + " capability 8.0, `bfloat16` on CPUs AVX512-BF16 or AMX. Parameters, moments, norms, softmax and"
                    + " loss are float32 in each, on CPUs attention too.");
    private static final SpecKey<Double> MAX_EPOCHS = withDefault(
            "maxEpochs",
            Numeric.closed(1, 1e9),
            "1",
            "Most passes over the corpus; above 1, data sizes may exceed the corpus.");
    private static final SpecKey<List<Long>> DOUBLE_AT = required(
            "doubleAt",
            new Many<>(Numeric.longs(Notation.SIZE, 1, Long.MAX_VALUE / 1024)),
            "Tokens seen at which the batch doubles, rounded to whole batches of the cell; after the last one it is the cell's"
                    + " own.");
    private static final SpecKey<TrainingSpec.RateScaling> RATE_SCALING = withDefault(
            "rateScaling",
            Choice.of(TrainingSpec.RateScaling.class),
            "sqrt",
            "`sqrt`: a batch b of a cell with batch B has √(b/B) of the learning rate. `none`: the same rate.");
    private static final SpecKey<Optional<TrainingSpec.BatchWarmup>> BATCH_WARMUP = withDefault(
            "batchWarmup",
            Either.of(
                    Choice.of("none"),
                    none -> Optional.empty(),
                    Section.of(TrainingKeys::batchWarmup, DOUBLE_AT, RATE_SCALING)),
            "none",
            "Smaller batches to begin with, which double at given counts of tokens. On CPUs, by PowerSweep's own trainer.");
    private static final SpecKey<Integer> EARLY_STOPPING = optional(
            "earlyStopping", COUNT, "runs go to their end", "Evaluations without improvement after which a run ends.");

    private static final SpecKey<Double> LOSS_ABOVE = withDefault(
            "lossAboveInitial",
            Numeric.above(0, 1e9),
            "1.0",
            "Nats per token above ln(vocabulary) that count as too high.");
    private static final SpecKey<Integer> WINDOW =
            withDefault("windowSteps", COUNT, "50", "Consecutive steps above it.");
    private static final SpecKey<TrainingRule.Divergence> DIVERGENCE = section(
            "divergence",
            Section.of(
                    divergence -> new TrainingRule.Divergence(divergence.get(LOSS_ABOVE), divergence.get(WINDOW)),
                    LOSS_ABOVE,
                    WINDOW),
            "When a run counts as diverged; NaN, infinity and a last evaluation above it always do.");

    static final Section<TrainingSpec> SECTION = Section.of(
            TrainingKeys::training,
            OPTIMIZER,
            LEARNING_RATE,
            WARMUP,
            SCHEDULE,
            TRUNK,
            GRADIENT_CLIP,
            DROPOUT,
            DEVIATION,
            PRECISION,
            MAX_EPOCHS,
            BATCH_WARMUP,
            EARLY_STOPPING,
            DIVERGENCE);

    private TrainingKeys() {}

    private static TrainingSpec training(Settings training) {
        return new TrainingSpec(
                training.get(OPTIMIZER),
                training.get(LEARNING_RATE),
                training.get(WARMUP),
                trunk(training, training.get(SCHEDULE)),
                training.get(GRADIENT_CLIP),
                training.get(DROPOUT),
                training.findDouble(DEVIATION),
                training.get(PRECISION),
                training.get(MAX_EPOCHS),
                training.get(BATCH_WARMUP),
                training.findInt(EARLY_STOPPING),
                training.get(DIVERGENCE));
    }

    private static Optional<TrainingSpec.BatchWarmup> batchWarmup(Settings warmup) {
        List<Long> counts = warmup.get(DOUBLE_AT);
        for (int i = 1; i < counts.size(); i++) {
            if (counts.get(i) <= counts.get(i - 1)) {
                warmup.wrong(
                        DOUBLE_AT,
                        "names " + counts.get(i) + " tokens after " + counts.get(i - 1)
                                + "; the batch doubles from one count to the next, so give them in ascending order");
            }
        }
        if (counts.size() > MOST_DOUBLINGS) {
            warmup.wrong(
                    DOUBLE_AT,
                    "has " + counts.size() + " entries, and the most is " + MOST_DOUBLINGS + "; give fewer of them");
        }
        return Optional.of(new TrainingSpec.BatchWarmup(counts, warmup.get(RATE_SCALING)));
    }

    private static TrainingSpec.Warmup warmup(Settings warmup) {
        return warmup.find(WARMUP_STEPS)
                .<TrainingSpec.Warmup>map(TrainingSpec.Warmup.Steps::new)
                .orElseGet(() -> new TrainingSpec.Warmup.Fraction(warmup.get(WARMUP_FRACTION)));
    }

    private static Schedule schedule(Settings schedule) {
        return switch (schedule.get(FORM)) {
            case COSINE -> new Schedule.Cosine(schedule.get(FINAL_FRACTION));
            case LINEAR -> new Schedule.Linear(schedule.get(FINAL_FRACTION));
            case CONSTANT -> new Schedule.Constant();
            case CONSTANT_WITH_COOLDOWN -> new Schedule.ConstantWithCooldown(schedule.get(COOLDOWN_FRACTION));
        };
    }

    /** What cells of a shared trunk have in common must not follow from D. */
    private static Schedule trunk(Settings training, Schedule schedule) {
        if (training.get(TRUNK) == Trunk.SEPARATE) {
            return schedule;
        }
        if (!(schedule instanceof Schedule.ConstantWithCooldown cooldown)) {
            training.wrong(
                    TRUNK,
                    "= shared needs training.schedule: constant-with-cooldown, since other schedules depend on D from"
                            + " the first step");
            return schedule;
        }
        if (!(training.get(WARMUP) instanceof TrainingSpec.Warmup.Steps)) {
            training.wrong(
                    TRUNK,
                    "= shared needs training.warmup.steps, such as 20, since a share of a run's steps depends on D");
        }
        if (training.get(LEARNING_RATE).followsData()) {
            training.wrong(
                    TRUNK, "= shared needs training.learningRate.data: 0, since a rate that follows D is another run");
        }
        return new Schedule.SharedTrunk(cooldown.cooldownFraction());
    }

    /** Notes a trunk that a program would have to share. */
    static void refuseTrunk(Settings training) {
        if (training.get(TRUNK) == Trunk.SHARED) {
            training.wrong(TRUNK, "= shared is for PowerSweep's own trainer; take it away, or take away trainer");
        }
    }

    /** Notes numbers that only cards multiply, on a sweep of CPUs. */
    static void refusePrecisionOfCards(Settings training, List<GridSpec.Part> parts) {
        parts.stream()
                .flatMap(part -> part.variants().stream())
                .map(variant -> variant.training().precision())
                .filter(precision -> precision == Precision.TF32)
                .findFirst()
                .ifPresent(precision -> training.wrong(
                        PRECISION, "= " + precision.word() + " is for GPUs; give resources.gpus: 1, or take float32"));
    }

    /**
     * Notes smaller batches that no such sweep can have.
     *
     * @param why what in the specification excludes them, and the remedy, after the key's name
     */
    static void refuseBatchWarmup(Settings training, List<GridSpec.Part> parts, String why) {
        boolean asked = training.get(BATCH_WARMUP).isPresent()
                || parts.stream()
                        .flatMap(part -> part.variants().stream())
                        .anyMatch(variant -> variant.training().batchWarmup().isPresent());
        if (asked) {
            training.wrong(BATCH_WARMUP, why);
        }
    }

    /** Notes an interval that would follow from D. */
    static void checkTrunk(Settings training, EvaluationSpec evaluation) {
        if (training.get(TRUNK) == Trunk.SHARED
                && evaluation.interval() instanceof EvaluationSpec.Interval.TimesPerRun) {
            training.wrong(
                    TRUNK,
                    "= shared needs evaluation.everySteps or evaluation.everyTokens, such as 100k, since evaluations a"
                            + " run depend on D");
        }
    }
}
