package dev.powersweep.worker.train;

import dev.powersweep.worker.cell.Cell;
import dev.powersweep.worker.kernels.KernelChoice;
import dev.powersweep.worker.model.ParameterLayout;

/**
 * One cell in training: parameters, optimiser state and all working memory.
 *
 * <p>Assumes a single thread. Guarantees: the same cell, micro-batch and kernel set on the same machine type give
 * bit-identical steps, also when the run was interrupted and {@linkplain #restore restored} in between.
 */
public final class TrainingSession implements AutoCloseable {

    /**
     * Prepares a cell at step 0 with its initial weights.
     *
     * @param microBatchSequences most sequences in one forward pass; 0 to choose by the cache model
     * @throws IllegalArgumentException when the model does not fit this kernel set, in one sentence
     */
    public static TrainingSession create(Cell cell, BatchSource source, KernelChoice kernels, int microBatchSequences) {
        throw new UnsupportedOperationException();
    }

    /**
     * Makes the next optimiser step.
     *
     * @throws DivergenceException when loss or gradient are not finite (the parameters are then left as they were), or
     *     the loss stayed above the cell's divergence bound for its window
     */
    public StepRecord step() throws DivergenceException {
        throw new UnsupportedOperationException();
    }

    /** Scores the first {@code maxTokens / context} (at least one) sequences, without dropout; no state changes. */
    public EvaluationResult evaluate(EvaluationSource source, long maxTokens) {
        throw new UnsupportedOperationException();
    }

    /** Live views of the run's state. */
    public TrainingState state() {
        throw new UnsupportedOperationException();
    }

    /** Copies a state in; the next step is {@code state.step() + 1}. */
    public void restore(TrainingState state) {
        throw new UnsupportedOperationException();
    }

    /** Steps done. */
    public long stepsDone() {
        throw new UnsupportedOperationException();
    }

    public ParameterLayout layout() {
        throw new UnsupportedOperationException();
    }

    /** Sequences whose mean gradient makes one |G_small|². */
    public int microBatchSequences() {
        throw new UnsupportedOperationException();
    }

    /** Name of the kernel set in use with what it found, for provenance. */
    public String kernels() {
        throw new UnsupportedOperationException();
    }

    /** Frees the off-heap memory. */
    @Override
    public void close() {}
}
