package dev.powersweep.orchestrator.dispatch;

import dev.powersweep.worker.cell.CellState;
import dev.powersweep.worker.cell.FailureClass;
import dev.powersweep.worker.cell.Frame;
import java.util.Optional;
import java.util.function.Supplier;

/** How an attempt ended. The one representation of it: reports, events, tables and pages hold or read this. */
public sealed interface Outcome {

    /** The state that the cell has after it. */
    CellState state();

    /** What went wrong; empty after a result. */
    default Optional<Trouble> trouble() {
        return Optional.empty();
    }

    /** One sentence; empty when there is nothing to say. */
    default String message() {
        return trouble().map(Trouble::message).orElse("");
    }

    /** The cell was trained to its end, or stopped early by its own rule. */
    record Finished(Frame.Finished result) implements Outcome {
        @Override
        public CellState state() {
            return CellState.FINISHED;
        }
    }

    /** The loss left the range of numbers: a result, not a failure. */
    record Diverged(String message) implements Outcome {
        @Override
        public CellState state() {
            return CellState.DIVERGED;
        }
    }

    /** A supervisor says it of an attempt that failed; in the ledger it means that the cell is given up. */
    record Failed(Trouble reason) implements Outcome {
        @Override
        public CellState state() {
            return CellState.FAILED;
        }

        @Override
        public Optional<Trouble> trouble() {
            return Optional.of(reason);
        }
    }

    /** A supervisor says it of an attempt that was cut short from outside; in the ledger it means that another follows. */
    record Interrupted(Trouble reason) implements Outcome {
        @Override
        public CellState state() {
            return CellState.INTERRUPTED;
        }

        @Override
        public Optional<Trouble> trouble() {
            return Optional.of(reason);
        }
    }

    /** The same; a trouble that has no detail has this one. */
    default Outcome explained(Supplier<String> detail) {
        if (this instanceof Failed failed && failed.reason().detail().isEmpty()) {
            return new Failed(failed.reason().with(detail.get()));
        }
        if (this instanceof Interrupted interrupted
                && interrupted.reason().detail().isEmpty()) {
            return new Interrupted(interrupted.reason().with(detail.get()));
        }
        return this;
    }

    /**
     * What went wrong.
     *
     * @param message one sentence; names host and path where the host is to blame
     * @param detail stack or last lines of the log; empty when there are none
     */
    record Trouble(FailureClass failure, String message, String detail) {
        Trouble with(String words) {
            return new Trouble(failure, message, words);
        }
    }

    /** A failure of an attempt. */
    static Outcome failed(FailureClass failure, String message, String detail) {
        return new Failed(new Trouble(failure, message, detail));
    }

    /** An attempt that was cut short by something that neither cell nor host is to blame for. */
    static Outcome interrupted(String message) {
        return new Interrupted(new Trouble(FailureClass.LOST_EXECUTOR, message, ""));
    }

    /**
     * Of its stored parts.
     *
     * @throws IllegalArgumentException when they contradict each other
     */
    static Outcome of(
            CellState state,
            Optional<FailureClass> failure,
            String message,
            String detail,
            Optional<Frame.Finished> result) {
        return switch (state) {
            case FINISHED -> new Finished(result.orElseThrow(() -> contradiction("FINISHED without a result")));
            case DIVERGED -> new Diverged(message);
            case FAILED ->
                failed(failure.orElseThrow(() -> contradiction("FAILED without a failure class")), message, detail);
            case INTERRUPTED ->
                new Interrupted(new Trouble(failure.orElse(FailureClass.LOST_EXECUTOR), message, detail));
            case PLANNED, RUNNING -> throw contradiction("an attempt that ended is not " + state);
        };
    }

    private static IllegalArgumentException contradiction(String what) {
        return new IllegalArgumentException(what);
    }
}
