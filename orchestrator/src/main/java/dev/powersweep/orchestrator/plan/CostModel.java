package dev.powersweep.orchestrator.plan;

import dev.powersweep.worker.cell.Cell;
import dev.powersweep.worker.cell.ModelShape;

/**
 * Seconds and bytes of a cell, from its shape.
 *
 * <p>A token takes its FLOPs at the machine's matrix rate, and element-wise work in proportion to layers·width (norms,
 * activations, residuals), to layers·heads·context (attention weights; less than a third as dear) and to the vocabulary
 * (cross-entropy); a step adds the optimiser's pass over the parameters.
 *
 * <p>Assumes one thread a cell, sequences in chunks that stay in cache, and a warm trainer. More threads are taken to
 * help in full with matrix products and not at all elsewhere.
 */
public final class CostModel {
    private static final double ATTENTION_ELEMENT = 0.3;
    private static final double VOCABULARY_ELEMENT = 0.06;
    /** Passes of AdamW and clipping over a parameter. */
    private static final double OPTIMISER_ELEMENT = 0.13;

    private static final double SECONDS_PER_STEP = 30e-6;
    /** Hand-over between cells of one trainer: shard, initial weights, first report. */
    private static final double SECONDS_PER_CELL = 0.15;
    /** Process start, libraries, and half speed until the compiler has seen the kernels; once a slot. */
    static final double SECONDS_PER_TRAINER = 2.5;
    /** Forward passes are a third of forward and backward together. */
    private static final double EVALUATION_SHARE = 1.0 / 3;

    /** Weights, their transposed copy, gradient and two moments, four bytes each. */
    private static final long BYTES_PER_PARAMETER = 20;
    /** Heap, code, native libraries of a trainer that trains nothing. */
    private static final long BASE_BYTES = 120L << 20;
    /** Values of width d_model kept per token and layer for the backward pass. */
    private static final int ACTIVATIONS_PER_WIDTH = 20;

    private static final int FLOAT_BYTES = 4;
    private static final int WIDE = 256;
    private static final int NARROW_CHUNK_SEQUENCES = 2;
    private static final int WIDE_CHUNK_SEQUENCES = 4;

    private final MachineRate rate;
    private final int threads;

    public CostModel(MachineRate rate, int threads) {
        this.rate = rate;
        this.threads = threads;
    }

    /** Of training alone. */
    public double tokensPerSecond(Cell cell) {
        return cell.batchTokens() / stepSeconds(cell);
    }

    /** Training and every evaluation, on one slot with a running trainer. */
    public double seconds(Cell cell) {
        long steps = cell.data().steps();
        long evaluations =
                (steps + cell.evaluation().everySteps() - 1) / cell.evaluation().everySteps();
        double evaluated = (double) evaluations
                * cell.evaluation().tokens()
                * cell.evaluation().sets().size();
        return SECONDS_PER_CELL + steps * stepSeconds(cell) + evaluated * EVALUATION_SHARE * tokenSeconds(cell.model());
    }

    private double stepSeconds(Cell cell) {
        return SECONDS_PER_STEP
                + cell.batchTokens() * tokenSeconds(cell.model())
                + cell.model().totalParameters() * OPTIMISER_ELEMENT / rate.elementsPerSecond();
    }

    private double tokenSeconds(ModelShape model) {
        double elements = (double) model.layers() * model.width()
                + ATTENTION_ELEMENT * model.layers() * model.heads() * model.context()
                + VOCABULARY_ELEMENT * model.vocabulary();
        return model.trainingFlopsPerToken() / (rate.gemmFlopsPerSecond() * threads)
                + elements / rate.elementsPerSecond();
    }

    /** Resident memory of the cell's trainer. */
    public static long memoryBytes(Cell cell) {
        ModelShape model = cell.model();
        long chunk = Math.min(
                cell.data().batchSequences(), model.width() >= WIDE ? WIDE_CHUNK_SEQUENCES : NARROW_CHUNK_SEQUENCES);
        long tokens = chunk * model.context();
        long perLayer = (long) ACTIVATIONS_PER_WIDTH * model.width() + (long) model.heads() * model.context();
        long activations = tokens * (perLayer * model.layers() + 2L * model.vocabulary()) * FLOAT_BYTES;
        return BASE_BYTES + BYTES_PER_PARAMETER * model.totalParameters() + activations;
    }
}
