package dev.powersweep.worker.cell;

import com.fasterxml.jackson.annotation.JsonAutoDetect;
import com.fasterxml.jackson.annotation.JsonAutoDetect.Visibility;
import com.fasterxml.jackson.annotation.JsonCreator;
import com.fasterxml.jackson.annotation.JsonProperty;
import com.fasterxml.jackson.annotation.JsonPropertyOrder;
import java.util.Objects;

/**
 * One point of the grid: everything that decides the numbers a training run gives, and nothing else.
 *
 * <p>Its identity is a hash of this content ({@link CellId}); paths and random streams follow from the identity, never
 * from the cell's place in a list. A value like a record; a class, since the hash takes tens of microseconds, is asked
 * for everywhere, and is therefore kept.
 */
@JsonAutoDetect(fieldVisibility = Visibility.NONE, getterVisibility = Visibility.NONE)
@JsonPropertyOrder({"model", "data", "training", "evaluation", "seed"})
public final class Cell {
    private final ModelShape model;
    private final DataRule data;
    private final TrainingRule training;
    private final EvaluationRule evaluation;
    private final long seed;
    /** Computed when first asked for, by whatever thread. */
    private String id;
    /** As {@link #id}. */
    private String trunk;

    /** @param seed the spec's replicate number, not the random seed itself (see {@link #randomSeed()}) */
    @JsonCreator
    public Cell(
            @JsonProperty("model") ModelShape model,
            @JsonProperty("data") DataRule data,
            @JsonProperty("training") TrainingRule training,
            @JsonProperty("evaluation") EvaluationRule evaluation,
            @JsonProperty("seed") long seed) {
        this.model = model;
        this.data = data;
        this.training = training;
        this.evaluation = evaluation;
        this.seed = seed;
    }

    @JsonProperty
    public ModelShape model() {
        return model;
    }

    @JsonProperty
    public DataRule data() {
        return data;
    }

    @JsonProperty
    public TrainingRule training() {
        return training;
    }

    @JsonProperty
    public EvaluationRule evaluation() {
        return evaluation;
    }

    @JsonProperty
    public long seed() {
        return seed;
    }

    /** Sixteen hexadecimal digits. */
    public String id() {
        if (id == null) {
            id = CellId.of(this);
        }
        return id;
    }

    /**
     * Identity of what the cell has in common with those that differ from it in D alone: its own where it shares
     * nothing. Sixteen hexadecimal digits.
     */
    public String trunk() {
        if (trunk == null) {
            trunk = training.schedule() instanceof Schedule.SharedTrunk
                    ? anyLength().id()
                    : id();
        }
        return trunk;
    }

    private Cell anyLength() {
        DataRule rule = new DataRule(data.corpusHash(), 1, data.batchSequences(), data.uniqueTokens());
        return new Cell(model, rule, training.with(new Schedule.SharedTrunk(1)), evaluation, seed);
    }

    /**
     * First steps whose results are those of every other cell of this {@link #trunk()} that has as many; 0 where the
     * cell shares nothing.
     */
    public long trunkSteps() {
        return training.schedule() instanceof Schedule.SharedTrunk
                ? data.steps() - training.schedule().cooldownSteps(data.steps())
                : 0;
    }

    /** Root of every random stream of the run: initial weights, data order, dropout. */
    public long randomSeed() {
        return Long.parseUnsignedLong(trunk(), 16);
    }

    /** B, tokens a step consumes. */
    public long batchTokens() {
        return (long) data.batchSequences() * model.context();
    }

    /** D = B·S, tokens seen. */
    public long tokens() {
        return batchTokens() * data.steps();
    }

    /** C ≈ 6·N·D, FLOPs (Kaplan et al. 2020, section 2.1). */
    public double kaplanFlops() {
        return 6.0 * model.nonEmbeddingParameters() * tokens();
    }

    /** Training FLOPs with unembedding and attention counted. */
    public double trainingFlops() {
        return model.trainingFlopsPerToken() * tokens();
    }

    /** D/U: how often the run sees each of its unique tokens. */
    public double epochs() {
        return (double) tokens() / data.uniqueTokens();
    }

    @Override
    public boolean equals(Object other) {
        return other instanceof Cell cell
                && seed == cell.seed
                && model.equals(cell.model)
                && data.equals(cell.data)
                && training.equals(cell.training)
                && evaluation.equals(cell.evaluation);
    }

    @Override
    public int hashCode() {
        return Objects.hash(model, data, training, evaluation, seed);
    }

    @Override
    public String toString() {
        return "Cell[model=" + model + ", data=" + data + ", training=" + training + ", evaluation=" + evaluation
                + ", seed=" + seed + "]";
    }
}
