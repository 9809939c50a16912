package dev.powersweep.orchestrator.plan;

import dev.powersweep.worker.cell.BatchWarmup;
import dev.powersweep.worker.cell.Cell;
import dev.powersweep.worker.cell.MicroBatches;
import dev.powersweep.worker.cell.Model;
import dev.powersweep.worker.cell.ModelShape;
import dev.powersweep.worker.cell.Precision;
import java.util.HashMap;
import java.util.List;
import java.util.Map;

/**
 * Seconds and bytes of a cell, from its shape and from what was measured of its like.
 *
 * <p>A kind of step that was measured costs what was measured. For others a formula holds. The time of a token is its FLOPs
 * at the machine's matrix rate, plus element-wise work proportional to layers·width (norms, activations, residuals), to
 * layers·heads·context (attention weights, at less than a third of the cost per element) and to the vocabulary
 * (cross-entropy). A step adds the optimiser's pass over the parameters. Where other kinds were measured, the formula is
 * corrected by their ratio of measured to predicted time, nearer kinds counting more; those of another precision count only
 * where none of the same was measured, so that no plan promises a speed of bfloat16 that nobody saw.
 *
 * <p>Assumes one thread a cell, sequences in chunks that stay in cache, and a warm trainer. More threads speed up
 * matrix products in proportion and nothing else.
 *
 * <p>Of a program that is not ours nothing is known before its first cells have run: its steps are taken to cost their
 * FLOPs at the machine's matrix rate, which orders cells and predicts no time.
 */
public final class CostModel {
    private static final double ATTENTION_ELEMENT = 0.3;
    private static final double VOCABULARY_ELEMENT = 0.06;
    /** Passes of AdamW and clipping over a parameter. */
    private static final double OPTIMISER_ELEMENT = 0.13;

    private static final double SECONDS_PER_STEP = 30e-6;
    /** Between two cells of one trainer: shard, initial weights, first report. */
    private static final double SECONDS_PER_CELL = 0.15;
    /** Process start, libraries, and half speed until the compiler has seen the kernels; once a slot. */
    static final double SECONDS_PER_TRAINER = 2.5;
    /** Forward passes are a third of forward and backward together. */
    private static final double EVALUATION_SHARE = 1.0 / 3;

    /** Weights, their transposed copy, the gradients of micro-batch and batch, two moments, four bytes each. */
    private static final long BYTES_PER_PARAMETER = 24;
    /** The same where the copy is not transposed but rounded, two bytes each. */
    private static final long ROUNDED_BYTES_PER_PARAMETER = 22;
    /** Heap, code, native libraries of a trainer that trains nothing. */
    private static final long BASE_BYTES = 158L << 20;
    /** Values of width d_model kept per token and layer for the backward pass. */
    private static final int ACTIVATIONS_PER_WIDTH = 20;

    /** Inputs of a layer's linear maps: those of attention and of its projection, and both of the feed-forward layer. */
    private static final int ROUNDED_PER_WIDTH = 7;

    /** Log distance at which two kinds of step count as alike. */
    private static final double NEAR = 0.2;

    private static final int FLOAT_BYTES = 4;
    /** Of a model of which not even N is known. */
    private static final double SUPPOSED_FLOPS_PER_TOKEN = 6e6;

    private final MachineRate rate;
    private final int threads;
    private final List<StepRate> measured;
    private final Map<StepKind, StepRate> byKind = new HashMap<>();

    public CostModel(MachineRate rate, int threads) {
        this(rate, threads, List.of());
    }

    /** @param measured on the machine that the cells are to run on; of two of one kind the later one counts */
    public CostModel(MachineRate rate, int threads, List<StepRate> measured) {
        this.rate = rate;
        this.threads = threads;
        measured.forEach(each -> byKind.put(each.kind(), each));
        this.measured = List.copyOf(byKind.values());
    }

    /** Of training alone. */
    public double tokensPerSecond(Cell cell) {
        return cell.tokens() / trainingSeconds(cell, 0);
    }

    /** Training and every evaluation, on one slot with a running trainer. */
    public double seconds(Cell cell) {
        return seconds(cell, 0);
    }

    /** As {@link #seconds(Cell)}, where another cell's training serves for the first {@code sharedSteps} steps. */
    public double seconds(Cell cell, long sharedSteps) {
        long interval = cell.evaluation().everySteps();
        // The last step is always evaluated.
        long evaluations = (cell.data().steps() + interval - 1) / interval - sharedSteps / interval;
        double evaluated = (double) evaluations
                * cell.evaluation().tokens()
                * cell.evaluation().sets().size();
        double training = SECONDS_PER_CELL + trainingSeconds(cell, sharedSteps);
        // What a program evaluates, and at what cost, only it knows.
        return cell.program().isPresent() ? training : training + evaluated * evaluationTokenSeconds(cell);
    }

    /** Of the steps after the first {@code sharedSteps}. */
    private double trainingSeconds(Cell cell, long sharedSteps) {
        double seconds =
                (cell.data().steps() - Math.max(sharedSteps, cell.data().leadingSteps()))
                        * stepSeconds(StepKind.of(cell));
        long end = 0;
        for (BatchWarmup.Stage stage : cell.data().leadingStages()) {
            long begin = Math.max(sharedSteps, end);
            end += stage.steps();
            seconds += Math.max(0, end - begin) * stepSeconds(StepKind.of(cell, stage.batchSequences()));
        }
        return seconds;
    }

    /** Of one optimiser step. */
    public double stepSeconds(StepKind kind) {
        StepRate known = byKind.get(kind);
        return known != null ? known.stepSeconds() : byFormula(kind) * correction(kind);
    }

    private double evaluationTokenSeconds(Cell cell) {
        return measured.stream()
                .filter(each -> each.evaluationTokenSeconds() > 0
                        && each.kind().model().equals(cell.model())
                        && each.kind().precision().equals(StepKind.of(cell).precision()))
                .mapToDouble(StepRate::evaluationTokenSeconds)
                .average()
                .orElseGet(() -> EVALUATION_SHARE * tokenSeconds(cell.shape()) * correction(StepKind.of(cell)));
    }

    private double byFormula(StepKind kind) {
        double batchTokens = (double) kind.batchSequences() * kind.model().context();
        if (!(kind.model() instanceof ModelShape model)) {
            return SECONDS_PER_STEP + batchTokens * flopsPerToken(kind.model()) / (rate.gemmFlopsPerSecond() * threads);
        }
        return SECONDS_PER_STEP
                + batchTokens * tokenSeconds(model)
                + model.totalParameters() * OPTIMISER_ELEMENT / rate.elementsPerSecond();
    }

    /** Geometric mean of measured over predicted, by the inverse square of the distance in log FLOPs and log batch. */
    private double correction(StepKind kind) {
        double weights = 0;
        double logs = 0;
        boolean seen =
                measured.stream().anyMatch(each -> each.kind().precision().equals(kind.precision()));
        for (StepRate each : measured) {
            if (seen && !each.kind().precision().equals(kind.precision())) {
                continue;
            }
            double distance = NEAR
                    + Math.abs(Math.log(flopsPerToken(kind.model())
                            / flopsPerToken(each.kind().model())))
                    + Math.abs(Math.log(
                            (double) kind.batchSequences() / each.kind().batchSequences()));
            double weight = 1 / (distance * distance);
            weights += weight;
            logs += weight * Math.log(each.stepSeconds() / byFormula(each.kind()));
        }
        return weights == 0 ? 1 : Math.exp(logs / weights);
    }

    private static double flopsPerToken(Model model) {
        return model.counts().trainingFlops(1).orElse(SUPPOSED_FLOPS_PER_TOKEN);
    }

    private double tokenSeconds(ModelShape model) {
        double elements = (double) model.layers() * model.width()
                + ATTENTION_ELEMENT * model.layers() * model.heads() * model.context()
                + VOCABULARY_ELEMENT * model.vocabulary();
        return model.trainingFlopsPerToken() / (rate.gemmFlopsPerSecond() * threads)
                + elements / rate.elementsPerSecond();
    }

    /** Sequences of one forward and backward pass, as the trainer chooses them. */
    private static int passSequences(Cell cell) {
        return MicroBatches.of(cell.shape(), cell.data().mostSequences(), 0).passSequences();
    }

    /**
     * The micro-batch for a trainer that may take {@code mostBytes}: 0 for its own choice where that fits, no cap is
     * given, nothing helps, or another program trains; the gradient of the batch is the same, by accumulation.
     */
    public static int microBatchSequences(Cell cell, long mostBytes) {
        if (cell.program().isPresent() || mostBytes <= 0 || memoryBytes(cell, 0) <= mostBytes) {
            return 0;
        }
        for (int sequences = passSequences(cell) / 2; sequences >= 1; sequences /= 2) {
            if (memoryBytes(cell, sequences) <= mostBytes) {
                return sequences;
            }
        }
        return 0;
    }

    /** Resident memory of the cell's trainer, as it would choose to train. */
    public static long memoryBytes(Cell cell) {
        return memoryBytes(cell, 0);
    }

    /**
     * @param microBatchSequences of a forward pass; 0 for the trainer's choice
     * @return 0 for a program that is not ours: what it needs only its user knows
     */
    public static long memoryBytes(Cell cell, int microBatchSequences) {
        if (cell.program().isPresent()) {
            return 0;
        }
        ModelShape model = cell.shape();
        long pass = microBatchSequences > 0 ? microBatchSequences : passSequences(cell);
        // In double precision: a long context's scores alone may overflow, and a cast is bounded.
        double tokens = (double) pass * model.context();
        double perLayer = (double) ACTIVATIONS_PER_WIDTH * model.width() + (double) model.heads() * model.context();
        double activations = tokens * (perLayer * model.layers() + 2.0 * model.vocabulary()) * FLOAT_BYTES;
        boolean rounded = cell.training().products() == Precision.BFLOAT16;
        double parameters =
                (double) (rounded ? ROUNDED_BYTES_PER_PARAMETER : BYTES_PER_PARAMETER) * model.totalParameters();
        return (long) (BASE_BYTES + parameters + activations + (rounded ? tokens * roundedBytesPerToken(model) : 0));
    }

    /** Rounded inputs of each linear map, and the gradients of one map at a time. */
    private static double roundedBytesPerToken(ModelShape model) {
        double inputs = (double) ROUNDED_PER_WIDTH * model.width() * model.layers() + model.width();
        double gradients = Math.max(4.0 * model.width(), model.vocabulary());
        return Precision.BFLOAT16.bytes() * (inputs + gradients);
    }
}
