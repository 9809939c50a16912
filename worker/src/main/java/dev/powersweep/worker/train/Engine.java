package dev.powersweep.worker.train;

import java.util.List;
import java.util.Optional;

/**
 * What trains cells of one model shape and batch: it keeps their parameters and moments in its own memory, takes steps when
 * asked to and tells afterwards what they measured.
 *
 * <p>Assumes a single thread. Guarantees: a cell's numbers are the same bits whatever other cells the engine has, and
 * whether its run was interrupted and {@linkplain #restore restored} in between. States are one format for all engines:
 * what one has trained another goes on with, in its own rounding.
 */
public interface Engine extends AutoCloseable {

    /**
     * What a cell did since its records were last drained.
     *
     * @param records in the order of steps; where the cell diverged, the last is that of the step that showed it
     * @param diverged why the cell has diverged, if it has; its state is then that before the last record's update, and it
     *     takes no further steps
     */
    record Progress(List<StepRecord> records, Optional<String> diverged) {}

    /** How many cells it trains, numbered from 0. */
    int cells();

    /** Most steps that may be queued at once. */
    int mostQueued();

    /**
     * Queues steps of every cell.
     *
     * @param steps at least 1; with those queued and not yet drained at most {@link #mostQueued()}
     */
    void enqueue(int steps);

    /** Waits for all queued steps; what each cell did, in the order of cells. */
    List<Progress> drain();

    /**
     * Scores the first {@code maxTokens / context} (at least one) sequences with every cell, without dropout; no state
     * changes. Queued steps have to be drained before.
     */
    List<EvaluationResult> evaluate(EvaluationSource evaluation, long maxTokens);

    /** A cell's state, as {@link TrainingState} says, for as long as no step is queued. Queued steps have to be drained. */
    TrainingState state(int cell);

    /**
     * Copies a state in; the cell's next step is {@code state.step() + 1}. Queued steps have to be drained before.
     *
     * @throws IllegalArgumentException when the state is not of this cell's size
     */
    void restore(int cell, TrainingState state);

    /** What computes, for provenance. */
    String describe();

    /** Frees all memory. */
    @Override
    void close();
}
