package dev.powersweep.orchestrator.dispatch;

import dev.powersweep.worker.cell.Frame;
import java.util.List;
import java.util.Optional;

/** What the state machine of an attempt wants its supervisor to do; in this order, each answered by an input or none. */
public sealed interface AttemptAction {

    /** What the supervisor is doing while it carries the action out; for the {@link Fault} that may come of it. */
    default Fault.Stage stage() {
        return Fault.Stage.TRAINING;
    }

    /** Answered by Opened or FoundEnded. */
    record OpenStore() implements AttemptAction {
        @Override
        public Fault.Stage stage() {
            return Fault.Stage.STORE;
        }
    }

    /** Answered by ShardReady. */
    record InstallShard() implements AttemptAction {
        @Override
        public Fault.Stage stage() {
            return Fault.Stage.SHARD;
        }
    }

    /** Answered by CheckpointFetched. */
    record FetchCheckpoint() implements AttemptAction {
        @Override
        public Fault.Stage stage() {
            return Fault.Stage.CHECKPOINT;
        }
    }

    /** Answered by TrunkTaken. */
    record TakeTrunk() implements AttemptAction {
        @Override
        public Fault.Stage stage() {
            return Fault.Stage.TRUNK;
        }
    }

    /** Answered by TrainerReady or NoTrainer. */
    record TakeTrainer() implements AttemptAction {
        @Override
        public Fault.Stage stage() {
            return Fault.Stage.TRAINER;
        }
    }

    /** Answered by Sent or FoundDead. */
    record Send() implements AttemptAction {
        @Override
        public Fault.Stage stage() {
            return Fault.Stage.SEND;
        }
    }

    /**
     * Answered by Committed or CheckpointReplaced.
     *
     * @param step optimiser steps done
     * @param rows steps and evaluations since the last commit
     * @param outcome present at the end of the cell
     */
    record Commit(Optional<Frame.Checkpoint> checkpoint, long step, List<Frame> rows, Optional<Outcome> outcome)
            implements AttemptAction {}

    /** A live update; may be dropped. */
    record Tell() implements AttemptAction {}

    /** Asks the trainer to write a checkpoint and end. */
    record AskToStop() implements AttemptAction {}

    /** Lets a copy of the shard that was damaged since it was made be made anew by the next attempt. */
    record DropDamagedShard() implements AttemptAction {
        @Override
        public Fault.Stage stage() {
            return Fault.Stage.SHARD;
        }
    }

    /** Answered by HostAnswered. */
    record AskHost() implements AttemptAction {
        @Override
        public Fault.Stage stage() {
            return Fault.Stage.HOST;
        }
    }

    /** Stores the trainer's log. */
    record KeepLog() implements AttemptAction {}

    /** Answered by Done, after which the trainer is given back or ended, and then scratch is deleted. */
    record End(Outcome outcome, AttemptState.TrainerHealth trainer) implements AttemptAction {}
}
