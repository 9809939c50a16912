package dev.powersweep.worker.cell;

import com.fasterxml.jackson.annotation.JsonAutoDetect;
import com.fasterxml.jackson.annotation.JsonAutoDetect.Visibility;
import com.fasterxml.jackson.annotation.JsonCreator;
import com.fasterxml.jackson.annotation.JsonInclude;
import com.fasterxml.jackson.annotation.JsonProperty;
import com.fasterxml.jackson.annotation.JsonPropertyOrder;
import java.util.Objects;
import java.util.Optional;

/**
 * One point of the grid: everything that decides the numbers a training run gives, and nothing else.
 *
 * <p>Its identity is a hash of this content ({@link CellId}); paths and random streams follow from the identity, never
 * from the cell's place in a list. A value like a record; a class, since the hash takes tens of microseconds, is asked
 * for everywhere, and is therefore kept.
 */
@JsonAutoDetect(fieldVisibility = Visibility.NONE, getterVisibility = Visibility.NONE)
@JsonPropertyOrder({"model", "data", "training", "evaluation", "seed", "program"})
public final class Cell {
    private final Model model;
    private final DataRule data;
    private final TrainingRule training;
    private final EvaluationRule evaluation;
    private final long seed;
    private final Optional<Program> program;
    /** Computed when first asked for, by whatever thread. */
    private String id;
    /** As {@link #id}. */
    private String trunk;

    /**
     * @param seed the spec's replicate number, not the random seed itself (see {@link #randomSeed()})
     * @param program what trains it; empty for the trainer of this module. Absent from the JSON then, so that such cells
     *     have the identity they had before there were others
     */
    @JsonCreator
    public Cell(
            @JsonProperty("model") Model model,
            @JsonProperty("data") DataRule data,
            @JsonProperty("training") TrainingRule training,
            @JsonProperty("evaluation") EvaluationRule evaluation,
            @JsonProperty("seed") long seed,
            @JsonProperty("program") Optional<Program> program) {
        this.model = model;
        this.data = data;
        this.training = training;
        this.evaluation = evaluation;
        this.seed = seed;
        this.program = program == null ? Optional.empty() : program;
        if (data.branch().isPresent() && !(training.schedule() instanceof Schedule.SharedTrunk)) {
            throw new IllegalArgumentException(
                    "data.branch needs training.schedule shared-trunk, since only such runs are the same whatever follows");
        }
    }

    /** Of the trainer of this module. */
    public Cell(Model model, DataRule data, TrainingRule training, EvaluationRule evaluation, long seed) {
        this(model, data, training, evaluation, seed, Optional.empty());
    }

    /** The same as another replicate. */
    public Cell replicate(long number) {
        return new Cell(model, data, training, evaluation, number, program);
    }

    /** The same with other data. */
    public Cell reading(DataRule other) {
        return new Cell(model, other, training, evaluation, seed, program);
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
    public ModelCounts counts() {
        boolean reported = program.map(Program::parameters)
                .filter(rule -> rule == Program.Parameters.REPORTED)
                .isPresent();
        return reported ? ModelCounts.UNKNOWN : model.counts();
    }

    @JsonProperty
    public Model model() {
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

    @JsonProperty
    @JsonInclude(JsonInclude.Include.NON_ABSENT)
    public Optional<Program> program() {
        return program;
    }

    /** Sixteen hexadecimal digits. */
    public String id() {
        if (id == null) {
            id = CellId.of(this);
        }
        return id;
    }

    /**
     * Identity of what the cell has in common with those that differ from it in D alone, and with their branches: its own
     * where it shares nothing. Sixteen hexadecimal digits.
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
        DataRule rule = new DataRule(
                data.corpusHash(),
                data.warmupSteps() + 1,
                data.branch().map(Branch::batchSequences).orElse(data.batchSequences()),
                data.uniqueTokens(),
                data.batchWarmup());
        return new Cell(model, rule, training.with(new Schedule.SharedTrunk(1)), evaluation, seed, program);
    }

    /**
     * First steps whose results are those of every other cell of this {@link #trunk()} that has as many; 0 where the
     * cell shares nothing.
     */
    public long trunkSteps() {
        if (data.branch().isPresent()) {
            return data.branch().get().steps();
        }
        return training.schedule() instanceof Schedule.SharedTrunk
                ? data.steps() - training.schedule().cooldownSteps(data.steps())
                : 0;
    }

    /** Root of every random stream of the run: initial weights, data order, dropout. */
    public long randomSeed() {
        return Long.parseUnsignedLong(trunk(), 16);
    }

    /** B, tokens a step consumes, after a warm-up of the batch or a branch. */
    public long batchTokens() {
        return (long) data.batchSequences() * model.context();
    }

    /** D, tokens seen: B·S without a warm-up of the batch. */
    public long tokens() {
        return tokensThrough(data.steps());
    }

    /** Tokens of the first {@code step} steps together. */
    public long tokensThrough(long step) {
        return data.sequencesThrough(step) * model.context();
    }

    /** C ≈ 6·N·D, FLOPs (Kaplan et al. 2020, section 2.1); NaN where N is not known before training. */
    public double kaplanFlops() {
        return counts().kaplanFlops(tokens()).orElse(Double.NaN);
    }

    /** Training FLOPs with unembedding and attention counted; NaN where they are not known before training. */
    public double trainingFlops() {
        return counts().trainingFlops(tokens()).orElse(Double.NaN);
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
                && evaluation.equals(cell.evaluation)
                && program.equals(cell.program);
    }

    @Override
    public int hashCode() {
        return Objects.hash(model, data, training, evaluation, seed, program);
    }

    @Override
    public String toString() {
        return "Cell[model=" + model + ", data=" + data + ", training=" + training + ", evaluation=" + evaluation
                + ", seed=" + seed + ", program=" + program + "]";
    }
}
