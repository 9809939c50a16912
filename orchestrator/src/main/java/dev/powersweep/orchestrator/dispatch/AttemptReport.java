package dev.powersweep.orchestrator.dispatch;

import com.fasterxml.jackson.annotation.JsonAutoDetect;
import com.fasterxml.jackson.annotation.JsonAutoDetect.Visibility;
import com.fasterxml.jackson.annotation.JsonCreator;
import com.fasterxml.jackson.annotation.JsonInclude;
import com.fasterxml.jackson.annotation.JsonProperty;
import com.fasterxml.jackson.annotation.JsonSetter;
import com.fasterxml.jackson.annotation.Nulls;
import dev.powersweep.worker.cell.Cell;
import dev.powersweep.worker.cell.CellState;
import dev.powersweep.worker.cell.FailureClass;
import dev.powersweep.worker.cell.Frame;
import dev.powersweep.worker.cell.ModelCounts;
import dev.powersweep.worker.cell.StoredName;
import java.time.Instant;
import java.util.Optional;

/**
 * What a supervisor tells the driver of an attempt, and what the ledger keeps of it. Its JSON is flat: each of the
 * {@link JsonProperty} methods is one property, since that is how ledgers have been written from the beginning.
 *
 * @param trainer what the trainer said of itself; absent when it never got that far
 * @param log path below DIR; empty when there is none
 * @param size of the model, where its program has reported it
 */
@JsonAutoDetect(
        fieldVisibility = Visibility.NONE,
        getterVisibility = Visibility.NONE,
        isGetterVisibility = Visibility.NONE,
        creatorVisibility = Visibility.NONE)
public record AttemptReport(
        @JsonProperty String cell,
        @JsonProperty int attempt,
        Outcome outcome,
        Work work,
        @JsonProperty Instant startedAt,
        @JsonProperty Instant endedAt,
        Place place,
        @JsonProperty Optional<Frame.Ready> trainer,
        @JsonProperty String log,
        @JsonProperty @JsonInclude(JsonInclude.Include.NON_ABSENT) Optional<ModelCounts> size) {
    /** Of an attempt whose program reported no size of its model. */
    public AttemptReport(
            String cell,
            int attempt,
            Outcome outcome,
            Work work,
            Instant startedAt,
            Instant endedAt,
            Place place,
            Optional<Frame.Ready> trainer,
            String log) {
        this(cell, attempt, outcome, work, startedAt, endedAt, place, trainer, log, Optional.empty());
    }

    public AttemptReport {
        StoredName.cell(cell);
        if (!log.isEmpty()) {
            for (String part : log.split("/", -1)) {
                StoredName.file(part);
            }
        }
    }

    /**
     * What an attempt did.
     *
     * @param step optimiser steps whose results are stored
     * @param resumedFromStep steps that an earlier attempt had stored
     * @param shared steps that another cell's training served for; empty when the cell trains all of its own
     * @param seconds of training and evaluation in this attempt
     * @param overheadSeconds of everything around it: trainer start, shard and checkpoint copies, tables
     * @param microBatchSequences in use; 0 when the attempt ended before the trainer told
     */
    public record Work(
            long step,
            long resumedFromStep,
            Optional<SharedSteps> shared,
            double seconds,
            double overheadSeconds,
            int microBatchSequences) {
        public static final Work NONE = new Work(0, 0, Optional.empty(), 0, 0, 0);

        /** Of an attempt that told no more itself. */
        static Work stored(long step, long resumedFromStep) {
            return new Work(step, resumedFromStep, Optional.empty(), 0, 0, 0);
        }
    }

    /** Where; empty strings where that is not known. */
    public record Place(String host, String executor) {
        public static final Place UNKNOWN = new Place("", "");
    }

    /** Of an attempt that ended before a trainer had its cell. */
    public static AttemptReport untrained(
            String cell, int attempt, Outcome outcome, Place place, Instant startedAt, Instant endedAt) {
        return new AttemptReport(cell, attempt, outcome, Work.NONE, startedAt, endedAt, place, Optional.empty(), "");
    }

    /** Of an attempt of which nothing more was heard. */
    public static AttemptReport lost(String cell, int attempt, String message, Instant at) {
        return untrained(cell, attempt, Outcome.interrupted(message), Place.UNKNOWN, at, at);
    }

    /** The same with another outcome: what it means to the cell. */
    public AttemptReport with(Outcome other) {
        return new AttemptReport(cell, attempt, other, work, startedAt, endedAt, place, trainer, log, size);
    }

    /** The same with what is known of its work from elsewhere. */
    AttemptReport with(Work known) {
        return new AttemptReport(cell, attempt, outcome, known, startedAt, endedAt, place, trainer, log, size);
    }

    /** The same for another attempt, which found the cell ended. */
    public AttemptReport of(int other) {
        return new AttemptReport(cell, other, outcome, work, startedAt, endedAt, place, trainer, log, size);
    }

    @JsonProperty
    public CellState state() {
        return outcome.state();
    }

    /** Where a trainer's provenance says how many other cells an attempt had beside it at most. */
    public static final String MOST_NEIGHBOURS = "mostNeighbours";

    /** Whether other cells were in training in the same process at some time of the attempt. */
    boolean hadNeighbours() {
        return trainer.map(ready -> ready.provenance().getOrDefault(MOST_NEIGHBOURS, "0"))
                .filter(most -> !most.equals("0"))
                .isPresent();
    }

    /** Present when the attempt failed, whether it is tried again or not. */
    @JsonProperty
    public Optional<FailureClass> failure() {
        return outcome.trouble().map(Outcome.Trouble::failure);
    }

    @JsonProperty
    public String message() {
        return outcome.message();
    }

    @JsonProperty
    public String detail() {
        return outcome.trouble().map(Outcome.Trouble::detail).orElse("");
    }

    /** The trainer's own words at the end of a finished cell. */
    @JsonProperty
    public Optional<Frame.Finished> result() {
        return outcome instanceof Outcome.Finished finished ? Optional.of(finished.result()) : Optional.empty();
    }

    @JsonProperty
    public long step() {
        return work.step();
    }

    @JsonProperty
    public long resumedFromStep() {
        return work.resumedFromStep();
    }

    /** Optimiser steps that this attempt did and stored. */
    public long trainedSteps() {
        return Math.max(0, step() - resumedFromStep());
    }

    /**
     * Tokens of these steps.
     *
     * @param of the cell that the report is of
     */
    public long trainedTokens(Cell of) {
        return Math.max(0, of.tokensThrough(step()) - of.tokensThrough(resumedFromStep()));
    }

    /** Of the first evaluation set at the end of a finished cell. */
    public Optional<Frame.Evaluation> finalEvaluation() {
        return result().flatMap(result -> result.finalEvaluations().stream().findFirst());
    }

    /**
     * Of a finished cell's steps alone, without what is around them.
     *
     * @param of the cell that the report is of
     */
    public Optional<Double> tokensPerSecond(Cell of) {
        return result().filter(result -> result.trainingSeconds() > 0)
                .map(result -> (of.tokensThrough(result.step()) - of.tokensThrough(resumedFromStep()))
                        / result.trainingSeconds());
    }

    @JsonProperty
    public Optional<SharedSteps> shared() {
        return work.shared();
    }

    @JsonProperty
    public double seconds() {
        return work.seconds();
    }

    @JsonProperty
    public double overheadSeconds() {
        return work.overheadSeconds();
    }

    @JsonProperty
    public int microBatchSequences() {
        return work.microBatchSequences();
    }

    @JsonProperty
    public String host() {
        return place.host();
    }

    @JsonProperty
    public String executor() {
        return place.executor();
    }

    /** Of its JSON; throws {@link IllegalArgumentException} when that contradicts itself. */
    @JsonCreator
    static AttemptReport stored(
            @JsonProperty("cell") String cell,
            @JsonProperty("attempt") int attempt,
            @JsonProperty("state") CellState state,
            @JsonProperty("failure") Optional<FailureClass> failure,
            @JsonProperty("message") String message,
            @JsonProperty("detail") String detail,
            @JsonProperty("step") long step,
            @JsonProperty("resumedFromStep") long resumedFromStep,
            @JsonProperty("result") Optional<Frame.Finished> result,
            @JsonProperty("seconds") double seconds,
            @JsonProperty("overheadSeconds") double overheadSeconds,
            @JsonProperty("microBatchSequences") int microBatchSequences,
            @JsonProperty("startedAt") Instant startedAt,
            @JsonProperty("endedAt") Instant endedAt,
            @JsonProperty("host") String host,
            @JsonProperty("executor") String executor,
            @JsonProperty("trainer") Optional<Frame.Ready> trainer,
            @JsonProperty("log") String log,
            @JsonProperty("shared") @JsonSetter(nulls = Nulls.AS_EMPTY) Optional<SharedSteps> shared,
            @JsonProperty("size") @JsonSetter(nulls = Nulls.AS_EMPTY) Optional<ModelCounts> size) {
        return new AttemptReport(
                cell,
                attempt,
                Outcome.of(state, failure, message, detail, result),
                new Work(step, resumedFromStep, shared, seconds, overheadSeconds, microBatchSequences),
                startedAt,
                endedAt,
                new Place(host, executor),
                trainer,
                log,
                size);
    }
}
