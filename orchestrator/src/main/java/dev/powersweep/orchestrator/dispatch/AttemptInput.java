package dev.powersweep.orchestrator.dispatch;

import dev.powersweep.worker.cell.Frame;
import java.util.Optional;

/** What a supervisor tells the state machine of its attempt. */
public sealed interface AttemptInput {
    /** The cell's store is open. */
    record Opened(long storedStep) implements AttemptInput {}

    /** The cell's store holds its outcome already. */
    record FoundEnded(Outcome outcome) implements AttemptInput {}

    record ShardReady() implements AttemptInput {}

    /** @param storedStep fewer than before where damaged checkpoints were given up */
    record CheckpointFetched(Found found, long storedStep) implements AttemptInput {}

    /** A state of another cell's training was taken over, or none was found. */
    record TrunkTaken(long storedStep) implements AttemptInput {}

    record TrainerReady(String backend) implements AttemptInput {}

    /** No trainer could be had. */
    record NoTrainer(Outcome outcome) implements AttemptInput {}

    /** The trainer has the cell. */
    record Sent() implements AttemptInput {}

    /** The trainer was gone when it was given the cell. */
    record FoundDead(String exit) implements AttemptInput {}

    record Said(Frame frame) implements AttemptInput {}

    /** A line that is no frame. */
    record Babbled(String line, String reason) implements AttemptInput {}

    /** The trainer's output has ended. */
    record Exited(TrainerExit exit) implements AttemptInput {}

    /** The task is told to stop. */
    record StopRequested() implements AttemptInput {}

    /** Time has passed. */
    record Ticked() implements AttemptInput {}

    /** @param rows of those in the action that are stored now */
    record Committed(long storedStep, int rows) implements AttemptInput {}

    /** The trainer has replaced the checkpoint by a newer one, which it will tell of next; nothing was stored. */
    record CheckpointReplaced() implements AttemptInput {}

    record Thrown(Fault fault) implements AttemptInput {}

    /** @param trouble what is wrong with the host, with path; empty when it is well */
    record HostAnswered(Optional<String> trouble) implements AttemptInput {}

    /** All that the end asked for is done. */
    record Done() implements AttemptInput {}

    enum Found {
        CHECKPOINT,
        NOTHING
    }
}
