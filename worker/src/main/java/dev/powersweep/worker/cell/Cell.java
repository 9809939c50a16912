package dev.powersweep.worker.cell;

import com.fasterxml.jackson.annotation.JsonIgnore;
import com.fasterxml.jackson.annotation.JsonInclude;
import com.fasterxml.jackson.annotation.JsonSetter;
import com.fasterxml.jackson.annotation.Nulls;
import java.util.Optional;

/**
 * One point of the grid: everything that decides the numbers a training run gives, and nothing else.
 *
 * <p>Its identity is a hash of this content ({@link CellId}); paths and random streams follow from the identity, never
 * from the cell's place in a list.
 *
 * @param seed the spec's replicate number, not the random seed itself (see {@link #randomSeed()})
 * @param program what trains it; empty for the trainer of this module. Absent from the JSON then, so that such cells
 *     have the identity they had before there were others
 */
public record Cell(
        Model model,
        DataRule data,
        TrainingRule training,
        EvaluationRule evaluation,
        long seed,
        @JsonInclude(JsonInclude.Include.NON_ABSENT) @JsonSetter(nulls = Nulls.AS_EMPTY) Optional<Program> program) {

    /** Of the trainer of this module. */
    public Cell(Model model, DataRule data, TrainingRule training, EvaluationRule evaluation, long seed) {
        this(model, data, training, evaluation, seed, Optional.empty());
    }

    /** The same as another replicate. */
    public Cell replicate(long number) {
        return new Cell(model, data, training, evaluation, number, program);
    }

    /**
     * The model's shape; throws {@link IllegalStateException} for a model whose inside only its own program knows.
     */
    public ModelShape shape() {
        if (model instanceof ModelShape known) {
            return known;
        }
        throw new IllegalStateException("the model of cell " + id() + " has no shape that PowerSweep knows");
    }

    /** What is known of the model's size before it is trained: nothing, where its program is to report it. */
    @JsonIgnore
    public ModelCounts counts() {
        boolean reported = program.map(Program::parameters)
                .filter(rule -> rule == Program.Parameters.REPORTED)
                .isPresent();
        return reported ? ModelCounts.UNKNOWN : model.counts();
    }

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
        return CellId.of(new Cell(model, anyLength, training.with(new Schedule.SharedTrunk(1)), evaluation, seed, program));
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

    /** C ≈ 6·N·D, FLOPs (Kaplan et al. 2020, section 2.1); NaN where N is not known before training. */
    @JsonIgnore
    public double kaplanFlops() {
        return counts().kaplanFlops(tokens()).orElse(Double.NaN);
    }

    /** Training FLOPs with unembedding and attention counted, where they are known. */
    @JsonIgnore
    public double trainingFlops() {
        return counts().trainingFlops(tokens()).orElse(Double.NaN);
    }

    /** D/U: how often the run sees each of its unique tokens. */
    @JsonIgnore
    public double epochs() {
        return (double) tokens() / data.uniqueTokens();
    }
}
