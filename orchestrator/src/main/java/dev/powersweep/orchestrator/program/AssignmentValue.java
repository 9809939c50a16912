package dev.powersweep.orchestrator.program;

import dev.powersweep.worker.cell.Cell;
import dev.powersweep.worker.cell.CellJson;
import dev.powersweep.worker.cell.ModelShape;
import dev.powersweep.worker.cell.ProgramModel;
import dev.powersweep.worker.shard.ShardManifest;
import java.math.BigDecimal;
import java.util.Arrays;
import java.util.LinkedHashMap;
import java.util.Locale;
import java.util.Map;
import java.util.Optional;
import java.util.function.Function;
import java.util.stream.Stream;

/**
 * What of an assignment a program is told by a variable of its environment, and by <code>${name}</code> in its command.
 */
public enum AssignmentValue {
    ASSIGNMENT("assignment", Needs.NOTHING, "file with the whole assignment as JSON", Handover::assignmentFile),
    FRAMES("frames", Needs.NOTHING, "file to add frames to", Handover::frames),
    CHECKPOINTS(
            "checkpoints",
            Needs.NOTHING,
            "empty folder for checkpoints; gone after the attempt, so name those that are to be kept",
            task -> task.assignment().checkpointDirectory()),
    RESUME_FROM(
            "resumeFrom",
            Needs.NOTHING,
            "file or folder of the checkpoint to go on from; not set, and empty as an argument, at the beginning",
            task -> task.assignment().resumeFrom().orElse(null)),
    RESUME_STEP("resumeStep", Needs.NOTHING, "steps that it has done; 0 at the beginning", Handover::resumeStep),
    CELL("cell", Needs.NOTHING, "the cell's identity, 16 hexadecimal digits", task -> cell(task)
            .id()),
    NAME("name", Needs.NOTHING, "the cell's name, for people", Handover::name),
    ATTEMPT("attempt", Needs.NOTHING, "1 for the first try of this cell", task -> task.assignment()
            .attempt()),
    SEED("seed", Needs.NOTHING, "replicate number of `grid.seeds`", task -> cell(task)
            .seed()),
    RANDOM_SEED(
            "randomSeed",
            Needs.NOTHING,
            "seed for random numbers, in [0, 2³¹): follows from the cell's identity, so no two cells share it",
            task -> cell(task).randomSeed() & Integer.MAX_VALUE),
    PARAMETERS(
            "parameters",
            Needs.SIZE,
            "N, non-embedding parameters, as the grid says",
            task -> present(cell(task).model().counts().nonEmbedding().stream().boxed())),
    LAYERS("layers", Needs.SHAPE, "blocks, n_layer", shape(ModelShape::layers)),
    WIDTH("width", Needs.SHAPE, "residual width, d_model", shape(ModelShape::width)),
    HEADS("heads", Needs.SHAPE, "attention heads", shape(ModelShape::heads)),
    FEED_FORWARD("feedForward", Needs.SHAPE, "inner width, d_ff", shape(ModelShape::feedForward)),
    CONTEXT("context", Needs.NOTHING, "tokens of a sequence, n_ctx", task -> cell(task)
            .model()
            .context()),
    VOCABULARY("vocabulary", Needs.VOCABULARY, "token kinds", AssignmentValue::vocabulary),
    STEPS("steps", Needs.NOTHING, "optimiser steps to make, S", task -> cell(task)
            .data()
            .steps()),
    BATCH_SEQUENCES(
            "batchSequences",
            Needs.NOTHING,
            "sequences of a batch, the same in every step: `training.batchWarmup` is refused with a program",
            task -> cell(task).data().batchSequences()),
    BATCH_TOKENS("batchTokens", Needs.NOTHING, "tokens of a batch, B = sequences · context", task -> cell(task)
            .batchTokens()),
    TOKENS("tokens", Needs.NOTHING, "tokens to train on, D = B·S", task -> cell(task)
            .tokens()),
    UNIQUE_TOKENS(
            "uniqueTokens", Needs.NOTHING, "U: of the training tokens only the first U may be seen", task -> cell(task)
                    .data()
                    .uniqueTokens()),
    SHARDS("shards", Needs.CORPUS, "folder with `shard.json` and the token files", task -> task.shard()
            .map(any -> task.assignment().shardDirectory())
            .orElse(null)),
    TRAIN_FILE(
            "trainFile", Needs.CORPUS, "training tokens, for `numpy.memmap`", task -> file(task, ShardManifest::train)),
    VALIDATION_FILE(
            "validationFile",
            Needs.CORPUS,
            "held-out tokens of the set `validation`",
            task -> file(task, shard -> shard.evaluation().get(0))),
    TOKEN_TYPE(
            "tokenType",
            Needs.CORPUS,
            "`uint8`, `uint16` or `uint32`, by the token kinds; little-endian",
            task -> task.shard()
                    .map(shard -> shard.type().name().toLowerCase(Locale.ROOT))
                    .orElse(null)),
    LEARNING_RATE("learningRate", Needs.NOTHING, "peak learning rate η", task -> cell(task)
            .training()
            .peakLearningRate()),
    WARMUP_STEPS("warmupSteps", Needs.NOTHING, "steps of linear warm-up", task -> cell(task)
            .training()
            .warmupSteps()),
    SCHEDULE(
            "schedule",
            Needs.NOTHING,
            "what the rate does then: `cosine`, `linear`, `constant` or `constant-with-cooldown`",
            task -> CellJson.mapper()
                    .valueToTree(cell(task).training().schedule())
                    .path("kind")
                    .asText()),
    BETA1("beta1", Needs.NOTHING, "AdamW first-moment decay", task -> cell(task)
            .training()
            .beta1()),
    BETA2("beta2", Needs.NOTHING, "AdamW second-moment decay", task -> cell(task)
            .training()
            .beta2()),
    EPSILON("epsilon", Needs.NOTHING, "AdamW denominator term", task -> cell(task)
            .training()
            .epsilon()),
    WEIGHT_DECAY("weightDecay", Needs.NOTHING, "decoupled weight decay", task -> cell(task)
            .training()
            .weightDecay()),
    GRADIENT_CLIP("gradientClip", Needs.NOTHING, "largest gradient norm; 0 for no clipping", task -> cell(task)
            .training()
            .gradientClip()),
    DROPOUT("dropout", Needs.NOTHING, "share dropped while training", task -> cell(task)
            .training()
            .dropout()),
    PRECISION("precision", Needs.NOTHING, "`training.precision`: `float32`, `tf32` or `bfloat16`", task -> cell(task)
            .training()
            .products()
            .word()),
    EVALUATION_STEPS("evaluationSteps", Needs.NOTHING, "steps between evaluations", task -> cell(task)
            .evaluation()
            .everySteps()),
    EVALUATION_TOKENS("evaluationTokens", Needs.NOTHING, "held-out tokens to score each time", task -> cell(task)
            .evaluation()
            .tokens()),
    CHECKPOINT_SECONDS("checkpointSeconds", Needs.NOTHING, "seconds between checkpoints", task -> task.assignment()
            .checkpointSeconds()),
    MICRO_BATCH_SEQUENCES(
            "microBatchSequences",
            Needs.NOTHING,
            "most sequences of one pass, after a try ran out of memory; 0 for the program's choice",
            task -> task.assignment().microBatchSequences()),
    THREADS("threads", Needs.NOTHING, "`resources.threads`", Handover::threads),
    MEMORY_BYTES("memoryBytes", Needs.NOTHING, "`resources.memory`; 0 for no bound", Handover::memoryBytes),
    GPUS("gpus", Needs.NOTHING, "`resources.gpus`", task -> task.gpus().size());

    /** What a sweep must have for the value to be there. */
    public enum Needs {
        NOTHING,
        /** N in every entry of the grid. */
        SIZE,
        /** Models of {@code grid.modelSizes}. */
        SHAPE,
        /** A corpus, or {@code trainer.vocabulary}. */
        VOCABULARY,
        CORPUS
    }

    private static final String PREFIX = "POWERSWEEP_";

    private final String word;
    private final Needs needs;
    private final String meaning;
    private final Function<Handover, Object> value;

    AssignmentValue(String word, Needs needs, String meaning, Function<Handover, Object> value) {
        this.word = word;
        this.needs = needs;
        this.meaning = meaning;
        this.value = value;
    }

    /** As <code>${…}</code> has it. */
    public String word() {
        return word;
    }

    /** Of the environment. */
    public String variable() {
        return variable(word);
    }

    /** One line for the reference page. */
    public String meaning() {
        return meaning;
    }

    public Needs needs() {
        return needs;
    }

    public static Optional<AssignmentValue> of(String word) {
        return Arrays.stream(values()).filter(each -> each.word.equals(word)).findFirst();
    }

    /** {@code POWERSWEEP_LEARNING_RATE} of {@code learningRate}; arguments of the specification are named so, too. */
    public static String variable(String word) {
        return PREFIX + word.replaceAll("([a-z0-9])([A-Z])", "$1_$2").toUpperCase(Locale.ROOT);
    }

    /** The values that are there, by their words: the assignment's, then the arguments that the specification names. */
    public static Map<String, String> of(Handover task) {
        Map<String, String> values = new LinkedHashMap<>();
        for (AssignmentValue each : values()) {
            Object value = each.value.apply(task);
            if (value != null) {
                values.put(each.word, value instanceof Double number ? plain(number) : value.toString());
            }
        }
        Cell cell = cell(task);
        cell.program().ifPresent(program -> values.putAll(program.arguments()));
        if (cell.model() instanceof ProgramModel model) {
            values.putAll(model.arguments());
        }
        return values;
    }

    /** Without an exponent where that is short: shells read no other numbers. */
    private static String plain(double number) {
        BigDecimal exact = new BigDecimal(Double.toString(number)).stripTrailingZeros();
        return number == 0 || (Math.abs(number) >= 1e-12 && Math.abs(number) < 1e18)
                ? exact.toPlainString()
                : exact.toString();
    }

    private static Cell cell(Handover task) {
        return task.assignment().cell();
    }

    private static Function<Handover, Object> shape(Function<ModelShape, Object> of) {
        return task -> cell(task).model() instanceof ModelShape shape ? of.apply(shape) : null;
    }

    private static Object vocabulary(Handover task) {
        if (cell(task).model() instanceof ProgramModel model) {
            return present(model.vocabulary().stream().boxed());
        }
        return cell(task).shape().vocabulary();
    }

    private static Object file(Handover task, Function<ShardManifest, ShardManifest.TokenFile> which) {
        return task.shard()
                .map(shard -> task.assignment().shardDirectory() + "/"
                        + which.apply(shard).file())
                .orElse(null);
    }

    private static Object present(Stream<?> value) {
        return value.findFirst().orElse(null);
    }
}
