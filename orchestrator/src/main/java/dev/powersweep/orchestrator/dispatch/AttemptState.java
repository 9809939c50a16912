package dev.powersweep.orchestrator.dispatch;

import dev.powersweep.worker.cell.Frame;
import dev.powersweep.worker.cell.ModelCounts;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import java.util.OptionalDouble;

/**
 * Where an attempt stands. Times are seconds of a clock that never goes back.
 *
 * @param known what is known of the cell's training, in every phase
 */
public record AttemptState(Phase phase, Known known) {
    static final AttemptState NEW = new AttemptState(
            new Phase.Preparing(Fault.Stage.STORE),
            new Known(0, 0, 0, 0, 0, Optional.empty(), List.of(), Double.NaN, 0, Optional.empty()));

    /** What the supervisor is about. */
    public sealed interface Phase {
        /** Brings together what the trainer needs. */
        record Preparing(Fault.Stage stage) implements Phase {}

        /** Listens to the trainer. */
        record Training(Watch watch) implements Phase {}

        /** Waits for word of the host's health to classify an I/O failure. */
        record AskingHost(Question question) implements Phase {}

        /** The outcome stands unless storing it fails. */
        record Ending(Outcome outcome) implements Phase {}

        /** Over. */
        record Ended(Outcome outcome) implements Phase {}
    }

    /** An I/O failure that may be the host's: of the supervisor, or of the trainer. */
    public sealed interface Question {
        record OfSupervisor(Fault fault) implements Question {}

        record OfTrainer(Outcome.Trouble trouble) implements Question {}
    }

    /** Whether the trainer may serve the next cell. */
    public enum TrainerHealth {
        WELL,
        SICK
    }

    /**
     * What the clock is compared with.
     *
     * @param sent when the trainer got the cell
     * @param lastWord when its newest frame came
     * @param askedToStop when it was asked to stop
     * @param garbage what it wrote that is no frame
     */
    public record Watch(double sent, double lastWord, OptionalDouble askedToStop, Optional<Garbage> garbage) {
        Watch heard(double now) {
            return new Watch(sent, now, askedToStop, garbage);
        }

        Watch asked(double now) {
            return new Watch(sent, lastWord, OptionalDouble.of(now), garbage);
        }

        Watch with(Garbage line) {
            return new Watch(sent, lastWord, askedToStop, Optional.of(line));
        }
    }

    /** @param text sentence with the line's beginning */
    public record Garbage(String text, double at) {}

    /**
     * What is known of the training.
     *
     * @param resumedFrom steps that were stored when it began
     * @param step steps that the trainer has reported
     * @param stored steps whose rows are stored
     * @param microBatch 0 before the trainer told
     * @param trainerSeconds as the trainer says at its end; 0 before
     * @param held a checkpoint that waits for the outcome that may follow it
     * @param rows steps and evaluations that are not stored yet
     * @param loss of the newest step
     * @param tokensPerSecond of the newest steps
     * @param size of the model, where its program has reported it
     */
    public record Known(
            long resumedFrom,
            long step,
            long stored,
            int microBatch,
            double trainerSeconds,
            Optional<Frame.Checkpoint> held,
            List<Frame> rows,
            double loss,
            double tokensPerSecond,
            Optional<ModelCounts> size) {
        public Known {
            rows = List.copyOf(rows);
        }

        Known opened(long storedStep) {
            return new Known(storedStep, storedStep, storedStep, microBatch, trainerSeconds, held, rows, loss, 0, size);
        }

        Known started(int chosenMicroBatch) {
            return new Known(resumedFrom, step, stored, chosenMicroBatch, trainerSeconds, held, rows, loss, 0, size);
        }

        Known holding(Optional<Frame.Checkpoint> checkpoint) {
            return new Known(
                    resumedFrom,
                    step,
                    stored,
                    microBatch,
                    trainerSeconds,
                    checkpoint,
                    rows,
                    loss,
                    tokensPerSecond,
                    size);
        }

        Known plus(Frame.Steps steps, double newestLoss, double rate) {
            return new Known(
                    resumedFrom,
                    steps.lastStep(),
                    stored,
                    microBatch,
                    trainerSeconds,
                    held,
                    appended(steps),
                    newestLoss,
                    rate,
                    size);
        }

        Known plus(Frame.Evaluation evaluation) {
            return new Known(
                    resumedFrom,
                    step,
                    stored,
                    microBatch,
                    trainerSeconds,
                    held,
                    appended(evaluation),
                    loss,
                    tokensPerSecond,
                    size);
        }

        Known sized(ModelCounts reported) {
            return new Known(
                    resumedFrom,
                    step,
                    stored,
                    microBatch,
                    trainerSeconds,
                    held,
                    rows,
                    loss,
                    tokensPerSecond,
                    Optional.of(reported));
        }

        private List<Frame> appended(Frame frame) {
            List<Frame> longer = new ArrayList<>(rows);
            longer.add(frame);
            return longer;
        }

        /** The first rows are stored. */
        Known committed(long storedStep, int count) {
            return new Known(
                    resumedFrom,
                    step,
                    storedStep,
                    microBatch,
                    trainerSeconds,
                    held,
                    rows.subList(count, rows.size()),
                    loss,
                    tokensPerSecond,
                    size);
        }

        Known took(double seconds) {
            return new Known(resumedFrom, step, stored, microBatch, seconds, held, rows, loss, tokensPerSecond, size);
        }
    }
}
