package dev.powersweep.worker.cell;

import com.fasterxml.jackson.annotation.JsonIgnore;

/**
 * One point of the grid: everything that decides the numbers a training run gives, and nothing else.
 *
 * <p>Its identity is a hash of this content ({@link CellId}); paths and random streams follow from the identity, never
 * from the cell's place in a list.
 *
 * @param seed the spec's replicate number, not the random seed itself (see {@link #randomSeed()})
 */
public record Cell(ModelShape model, DataRule data, TrainingRule training, EvaluationRule evaluation, long seed) {

    /** Sixteen hexadecimal digits. */
    @JsonIgnore
    public String id() {
        return CellId.of(this);
    }

    /**
     * Identity of what the cell has in common with those that differ from it in D alone: its own where it shares
     * nothing. Sixteen hexadecimal digits.
     */
    @JsonIgnore
    public String trunk() {
        if (!(training.schedule() instanceof Schedule.SharedTrunk)) {
            return id();
        }
        DataRule anyLength = new DataRule(data.corpusHash(), 1, data.batchSequences(), data.uniqueTokens());
        return CellId.of(new Cell(model, anyLength, training.with(new Schedule.SharedTrunk(1)), evaluation, seed));
    }

    /**
     * First steps whose results are those of every other cell of this {@link #trunk()} that has as many; 0 where the
     * cell shares nothing.
     */
    @JsonIgnore
    public long trunkSteps() {
        return training.schedule() instanceof Schedule.SharedTrunk
                ? data.steps() - training.schedule().cooldownSteps(data.steps())
                : 0;
    }

    /** Root of every random stream of the run: initial weights, data order, dropout. */
    @JsonIgnore
    public long randomSeed() {
        return Long.parseUnsignedLong(trunk(), 16);
    }

    /** B, tokens a step consumes. */
    @JsonIgnore
    public long batchTokens() {
        return (long) data.batchSequences() * model.context();
    }

    /** D = B·S, tokens seen. */
    @JsonIgnore
    public long tokens() {
        return batchTokens() * data.steps();
    }

    /** C ≈ 6·N·D, FLOPs (Kaplan et al. 2020, section 2.1). */
    @JsonIgnore
    public double kaplanFlops() {
        return 6.0 * model.nonEmbeddingParameters() * tokens();
    }

    /** Training FLOPs with unembedding and attention counted. */
    @JsonIgnore
    public double trainingFlops() {
        return model.trainingFlopsPerToken() * tokens();
    }

    /** D/U: how often the run sees each of its unique tokens. */
    @JsonIgnore
    public double epochs() {
        return (double) tokens() / data.uniqueTokens();
    }
}
