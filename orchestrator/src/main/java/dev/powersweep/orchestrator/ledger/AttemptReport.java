package dev.powersweep.orchestrator.ledger;

import dev.powersweep.worker.cell.CellState;
import dev.powersweep.worker.cell.FailureClass;
import dev.powersweep.worker.cell.Frame;
import dev.powersweep.worker.cell.StoredName;
import java.time.Instant;
import java.util.Optional;

/**
 * How an attempt ended; what a supervisor hands to the driver, and what the ledger keeps.
 *
 * @param state FINISHED, DIVERGED, FAILED or INTERRUPTED
 * @param failure present when the state is FAILED, and when it is INTERRUPTED by a failure that is retried
 * @param message one sentence; empty when there is nothing to say
 * @param detail stack or last log lines; empty when there is nothing to say
 * @param step optimiser steps whose results are stored
 * @param resumedFromStep steps that an earlier attempt had stored
 * @param result the trainer's own words at the end of a finished cell
 * @param seconds of training and evaluation in this attempt
 * @param overheadSeconds of everything around it: trainer start, shard and checkpoint copies, tables
 * @param microBatchSequences in use; 0 when the attempt ended before the trainer told
 * @param trainer what the trainer said of itself; absent when it never got that far
 * @param log path below DIR; empty when there is none
 * @param shared steps that another cell's training served for; empty when the cell trains all of its own
 */
public record AttemptReport(
        String cell,
        int attempt,
        CellState state,
        Optional<FailureClass> failure,
        String message,
        String detail,
        long step,
        long resumedFromStep,
        Optional<Frame.Finished> result,
        double seconds,
        double overheadSeconds,
        int microBatchSequences,
        Instant startedAt,
        Instant endedAt,
        String host,
        String executor,
        Optional<Frame.Ready> trainer,
        String log,
        Optional<SharedSteps> shared) {
    public AttemptReport {
        StoredName.cell(cell);
        if (!log.isEmpty()) {
            for (String part : log.split("/", -1)) {
                StoredName.file(part);
            }
        }
    }

    /** Of a cell that trains all of its steps itself. */
    public AttemptReport(
            String cell,
            int attempt,
            CellState state,
            Optional<FailureClass> failure,
            String message,
            String detail,
            long step,
            long resumedFromStep,
            Optional<Frame.Finished> result,
            double seconds,
            double overheadSeconds,
            int microBatchSequences,
            Instant startedAt,
            Instant endedAt,
            String host,
            String executor,
            Optional<Frame.Ready> trainer,
            String log) {
        this(
                cell,
                attempt,
                state,
                failure,
                message,
                detail,
                step,
                resumedFromStep,
                result,
                seconds,
                overheadSeconds,
                microBatchSequences,
                startedAt,
                endedAt,
                host,
                executor,
                trainer,
                log,
                Optional.empty());
    }

    /** The same with another state: what a retried failure is to the cell. */
    public AttemptReport as(CellState other) {
        return new AttemptReport(
                cell,
                attempt,
                other,
                failure,
                message,
                detail,
                step,
                resumedFromStep,
                result,
                seconds,
                overheadSeconds,
                microBatchSequences,
                startedAt,
                endedAt,
                host,
                executor,
                trainer,
                log,
                shared);
    }

    /** An attempt of which nothing more was heard. */
    public static AttemptReport lost(String cell, int attempt, String message, Instant at) {
        return untrained(cell, attempt, new Trouble(FailureClass.LOST_EXECUTOR, message, ""), new Place("", ""), at, at)
                .as(CellState.INTERRUPTED);
    }

    /** What went wrong. */
    public record Trouble(FailureClass failure, String message, String detail) {}

    /** Where; empty strings where that is not known. */
    public record Place(String host, String executor) {}

    /** An attempt that failed before a trainer had its cell. */
    public static AttemptReport untrained(
            String cell, int attempt, Trouble trouble, Place place, Instant startedAt, Instant endedAt) {
        return new AttemptReport(
                cell,
                attempt,
                CellState.FAILED,
                Optional.of(trouble.failure()),
                trouble.message(),
                trouble.detail(),
                0,
                0,
                Optional.empty(),
                0,
                0,
                0,
                startedAt,
                endedAt,
                place.host(),
                place.executor(),
                Optional.empty(),
                "");
    }
}
